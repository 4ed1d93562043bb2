// TLS for both roles: the options of peer_tls.py, with the same meaning.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"os"
)

var (
	issuers     = flag.String("ca", "", "the `FILE` of the issuers to believe; a server wants certificates of theirs")
	certificate = flag.String("certificate", "", "the `FILE` with what this side shows; a server that has it speaks wss://")
	key         = flag.String("key", "", "the `FILE` with its key")
	name        = flag.String("name", "", "the `NAME` to find in the server's certificate, instead of the URL's")
)

// useTLS makes the dialers follow the options.
func useTLS() error {
	config := &tls.Config{ServerName: *name}
	if err := addIdentity(config); err != nil {
		return err
	}
	pool, err := readIssuers()
	config.RootCAs = pool
	wholeDialer.TLSClientConfig = config
	fragmentDialer.TLSClientConfig = config
	return err
}

func addIdentity(config *tls.Config) error {
	if *certificate == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	config.Certificates = []tls.Certificate{pair}
	return err
}

// readIssuers gives nil, the system's, without the option.
func readIssuers() (*x509.CertPool, error) {
	if *issuers == "" {
		return nil, nil
	}
	text, err := os.ReadFile(*issuers)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = fmt.Errorf("no certificate in %s", *issuers)
	}
	return pool, err
}

// listen gives a listener on a free port, and its URL.
func listen() (net.Listener, string, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	if *certificate == "" {
		return plain, fmt.Sprintf("ws://%s", plain.Addr()), nil
	}
	config := &tls.Config{}
	if err = addIdentity(config); err != nil {
		return nil, "", err
	}
	if *issuers != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs, err = readIssuers()
	}
	return tls.NewListener(plain, config), fmt.Sprintf("wss://%s", plain.Addr()), err
}
