/* Calls that leave errno alone: it holds a mark before, and holds it still after.
 */
#ifndef ERRNO_MARK_H
#define ERRNO_MARK_H

#include "wire.h"

enum { MARK = 7777 };

#define LEAVES_ERRNO(call)                                                                     \
  do {                                                                                         \
    errno = MARK;                                                                              \
    int status_ = (call);                                                                      \
    int errno_ = errno;                                                                        \
    check_status(status_, WS_OK, __FILE__, __LINE__, #call);                                   \
    if (errno_ != MARK) check_fail(__FILE__, __LINE__, "%s has set errno to %d", #call, errno_); \
  } while (0)

#endif /* ERRNO_MARK_H */
