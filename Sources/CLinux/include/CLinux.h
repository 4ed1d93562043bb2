/* The Linux system interface for WSTransport, which alone may import it: libc's headers, and shims for what Swift cannot
 * call. Each shim has its reason. Embedded Swift has no Glibc module, so libc comes through here in both builds. */
#ifndef WSSWIFT_CLINUX_H
#define WSSWIFT_CLINUX_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* GNU extensions, declared by hand: _GNU_SOURCE would change types of libc under Swift's own Glibc module, which ordinary
 * builds load beside this one. */
int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int ppoll(struct pollfd *set, nfds_t count, const struct timespec *time, const sigset_t *mask);
int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time);
int pthread_setname_np(pthread_t thread, const char *name);
const char *strerrordesc_np(int error);
char *secure_getenv(const char *name);

/* The static text of an errno, for any thread, where strerror has one buffer for all. NULL for a number that is none. */
static inline const char *clinux_error_text(int error) { return strerrordesc_np(error); }

/* errno is a macro over a function call; Swift imports neither. */
static inline int clinux_errno(void) { return errno; }
static inline void clinux_set_errno(int value) { errno = value; }

/* CLOCK_MONOTONIC as one number: every deadline starts here, without a timespec passed through Swift. */
static inline int64_t clinux_now(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The same clock as the last tick of the kernel left it, at most some milliseconds ago, at a fraction of the cost. */
static inline int64_t clinux_recently(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An absolute time for the pthread calls, with the same clock as clinux_now. */
static inline struct timespec clinux_timespec(int64_t nanoseconds) {
  struct timespec time = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  return time;
}

/* ppoll with the time left in nanoseconds, negative for ever: the timespec and its NULL stay out of Swift. */
static inline int clinux_poll(struct pollfd *set, size_t count, int64_t nanoseconds) {
  struct timespec time = clinux_timespec(nanoseconds < 0 ? 0 : nanoseconds);
  return ppoll(set, count, nanoseconds < 0 ? NULL : &time, NULL);
}

/* epoll with plain numbers: its event is packed and holds a union, which Swift imports badly. A descriptor is told once, under its
 * own number, and then disarmed until it is set again; the event that wakes the waiting thread is told as -1, at every write. */
static inline int clinux_epoll_set(int epoll, int operation, int fd, int events) {
  struct epoll_event event = {.events = (uint32_t)events | (uint32_t)EPOLLONESHOT, .data = {.fd = fd}};
  return epoll_ctl(epoll, operation, fd, &event);
}
static inline int clinux_epoll_add_event(int epoll, int fd) {
  struct epoll_event event = {.events = (uint32_t)EPOLLIN | (uint32_t)EPOLLET, .data = {.fd = -1}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}
enum { CLINUX_EPOLL_BATCH = 16 };
static inline int clinux_epoll_wait(int epoll, int *descriptors, int milliseconds) {
  struct epoll_event events[CLINUX_EPOLL_BATCH];
  int ready = epoll_wait(epoll, events, CLINUX_EPOLL_BATCH, milliseconds);
  for (int i = 0; i < ready; i++) descriptors[i] = events[i].data.fd;
  return ready;
}

/* fcntl is variadic, which Swift does not import. 0, or -1 and errno. */
static inline int clinux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return (flags & O_NONBLOCK) != 0 ? 0 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* One system call for two pieces, a cheaper one where there is only the first. The message and its vectors live on the stack here;
 * in Swift they would take a closure for each address. writev would raise SIGPIPE. */
static inline ssize_t clinux_send(int fd, const void *first, size_t first_size, const void *second, size_t second_size) {
  if (second_size == 0) return send(fd, first, first_size, MSG_NOSIGNAL | MSG_DONTWAIT);
  struct iovec pieces[2] = {{(void *)(uintptr_t)first, first_size}, {(void *)(uintptr_t)second, second_size}};
  struct msghdr message = {0};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* open is variadic, as fcntl is. -1 and errno, or a descriptor. */
static inline int clinux_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

/* A regular file of this process's user that has no other name: nobody else reaches it once its mode says so. fstat's mode is taken
 * apart by macros. */
static inline int clinux_is_ours_alone(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == geteuid();
}

/* One system call for a line and its end, as with clinux_send. */
static inline void clinux_write_line(int fd, const void *line, size_t size) {
  struct iovec pieces[2] = {{(void *)(uintptr_t)line, size}, {(void *)(uintptr_t)"\n", 1}};
  ssize_t written = writev(fd, pieces, 2);
  (void)written;
}

/* These take a struct sockaddr, and Swift would rebind the memory of a sockaddr_storage in a closure for each. */
static inline int clinux_connect(int fd, const struct sockaddr_storage *address, socklen_t size) {
  return connect(fd, (const struct sockaddr *)address, size);
}
static inline int clinux_bind(int fd, const struct sockaddr_storage *address, socklen_t size) {
  return bind(fd, (const struct sockaddr *)address, size);
}
static inline int clinux_accept(int fd, struct sockaddr_storage *address, socklen_t *size) {
  return accept4(fd, (struct sockaddr *)address, size, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
static inline int clinux_local_address(int fd, struct sockaddr_storage *address, socklen_t *size) {
  return getsockname(fd, (struct sockaddr *)address, size);
}
static inline int clinux_remote_address(int fd, struct sockaddr_storage *address, socklen_t *size) {
  return getpeername(fd, (struct sockaddr *)address, size);
}

/* The flags of socket() are of an enum type in glibc, which Swift cannot combine with |. */
static inline int clinux_stream_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}
static inline int clinux_is_stream(int type) { return type == SOCK_STREAM; }
static inline void clinux_want_streams(struct addrinfo *hints) { hints->ai_socktype = SOCK_STREAM; }

/* Ends the process with one line that says why; a Swift trap says nothing. Uses no memory. */
static inline _Noreturn void clinux_die(const char *text, size_t size) {
  ssize_t written = write(STDERR_FILENO, text, size);
  (void)written;
  abort();
}

/* Fills the buffer from the kernel's random source. In C because the embedded runtime needs the same loop. Going on without
 * randomness would be unsafe, and no kernel that runs Swift lacks it, so a failure ends the process. */
static inline void clinux_random(void *buffer, size_t size) {
  static const char text[] = "wsswift: getrandom failed\n";
  char *next = (char *)buffer;
  while (size > 0) {
    ssize_t got = getrandom(next, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) clinux_die(text, sizeof text - 1);
    next += got;
    size -= (size_t)got;
  }
}

#endif
