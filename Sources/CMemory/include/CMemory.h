/* The part of libc that WSProtocol may use: allocation that can fail, and byte copies. Nothing here does I/O, and the
 * headers behind it declare no system call, so that the protocol layer cannot reach one. */
#ifndef WSSWIFT_CMEMORY_H
#define WSSWIFT_CMEMORY_H

#include <stdlib.h>
#include <string.h>

#endif
