/* How the C tests are written: a table of functions, expectations that say what they saw, and a count at the end.
 *
 * Prints "ok NAME", "not ok NAME: why" or "skip NAME: why", and last "N passed, M failed, K skipped". A test fails with its
 * first unmet expectation, when it leaves descriptors open, or when it takes longer than a minute, which ends the program.
 * One that was only too late is run again, up to five times in all: one good round proves the point on a busy machine.
 * Arguments name the tests to run; without any all run. CHECK_SLOW=N stretches every time limit N times (for valgrind).
 */
#ifndef CHECK_H
#define CHECK_H

#define _POSIX_C_SOURCE 200809L /* C99 alone has no sockets and no threads; so this header comes first */

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsswift.h>

/* 1 where the program is built with a sanitizer, which has memory of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

typedef struct check_test {
  const char *name;
  void (*run)(void);
} check_test;

/* What the running test has said so far; any thread may speak. */
static struct {
  pthread_mutex_t lock;
  const char *name;
  int failed;
  int skipped;
  int late; /* something took longer than it should */
  char why[512];
} check_now = {PTHREAD_MUTEX_INITIALIZER, "", 0, 0, 0, ""};

#define TEST(function) {#function, function}
#define TEST_MAIN(tests)                                                       \
  int main(int argc, char **argv) {                                            \
    return check_main(tests, sizeof tests / sizeof tests[0], argc, argv);      \
  }

/* Goes on after a failure. The value tells whether the expectation was met. */
#define EXPECT(condition) check_true((condition) != 0, __FILE__, __LINE__, #condition)
#define EXPECT_INT(actual, expected) check_int((long long)(actual), (long long)(expected), __FILE__, __LINE__, #actual)
#define EXPECT_STATUS(actual, expected) check_status((actual), (expected), __FILE__, __LINE__, #actual)
#define EXPECT_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__, #actual)
/* What began at start, by check_ms(), takes less than ms by now, which CHECK_SLOW stretches. */
#define EXPECT_WITHIN(start, ms) check_within((start), check_limit(ms), __FILE__, __LINE__)
#define EXPECT_BYTES(data, size, expected, expected_size) \
  check_bytes((data), (size), (expected), (expected_size), __FILE__, __LINE__, #data)

/* Ends the test function when the expectation is not met. */
#define REQUIRE(condition)          \
  do {                              \
    if (!EXPECT(condition)) return; \
  } while (0)
#define REQUIRE_STATUS(actual, expected)             \
  do {                                               \
    if (!EXPECT_STATUS(actual, expected)) return;    \
  } while (0)

/* Keeps the first reason. */
static inline void check_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  const char *slash = strrchr(file, '/');
  pthread_mutex_lock(&check_now.lock);
  if (!check_now.failed) {
    int used = snprintf(check_now.why, sizeof check_now.why, "%s:%d: ", slash == NULL ? file : slash + 1, line);
    va_start(arguments, format);
    vsnprintf(check_now.why + used, sizeof check_now.why - (size_t)used, format, arguments);
    va_end(arguments);
  }
  check_now.failed = 1;
  pthread_mutex_unlock(&check_now.lock);
}

static inline int check_true(int fine, const char *file, int line, const char *what) {
  if (!fine) check_fail(file, line, "%s is not so", what);
  return fine;
}

static inline int check_int(long long actual, long long expected, const char *file, int line, const char *what) {
  if (actual != expected) check_fail(file, line, "%s is %lld, not %lld", what, actual, expected);
  return actual == expected;
}

static inline int check_status(int actual, int expected, const char *file, int line, const char *what) {
  if (actual == expected) return 1;
  check_fail(file, line, "%s gave %d (%s), not %d (%s)", what, actual, ws_strerror(actual), expected, ws_strerror(expected));
  return 0;
}

static inline int check_text(const char *actual, const char *expected, const char *file, int line, const char *what) {
  int fine = actual != NULL && strcmp(actual, expected) == 0;
  if (!fine) check_fail(file, line, "%s is \"%s\", not \"%s\"", what, actual == NULL ? "(null)" : actual, expected);
  return fine;
}

static inline int check_bytes(const void *data, size_t size, const void *expected, size_t expected_size, const char *file,
                              int line, const char *what) {
  size_t at = 0;
  const uint8_t *left = data, *right = expected;
  if (size != expected_size) {
    check_fail(file, line, "%s has %zu bytes, not %zu", what, size, expected_size);
    return 0;
  }
  while (at < size && left[at] == right[at]) at++;
  if (at < size) check_fail(file, line, "%s differs at byte %zu: 0x%02x, not 0x%02x", what, at, left[at], right[at]);
  return at == size;
}

/* The rest of the test function should return; the test counts as skipped. */
static inline void check_skip(const char *why) {
  check_now.skipped = 1;
  snprintf(check_now.why, sizeof check_now.why, "%s", why);
}

/* A time limit in milliseconds, stretched by CHECK_SLOW. */
static inline int64_t check_limit(int64_t ms) {
  const char *slow = getenv("CHECK_SLOW");
  long factor = slow == NULL ? 1 : strtol(slow, NULL, 10);
  return factor > 1 ? ms * factor : ms;
}

static inline int64_t check_ms(void) { return ws_now() / 1000000; }

static inline void check_sleep(int64_t ms) {
  struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

/* Late is not wrong yet: see check_one. */
static inline int check_within(int64_t start, int64_t limit, const char *file, int line) {
  const char *slash = strrchr(file, '/');
  int64_t took = check_ms() - start;
  if (took < limit) return 1;
  pthread_mutex_lock(&check_now.lock);
  if (!check_now.failed && !check_now.late) {
    snprintf(check_now.why, sizeof check_now.why, "%s:%d: took %d ms, not less than %d", slash == NULL ? file : slash + 1, line,
             (int)took, (int)limit);
  }
  check_now.late = 1;
  pthread_mutex_unlock(&check_now.lock);
  return 0;
}

/* The state letter of a thread as proc(5) has it; 'X' when it is gone. */
static inline char check_thread_state(const char *thread) {
  char path[300], line[512] = "";
  snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 'X';
  const char *name = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
  fclose(file);
  return name == NULL || name[1] == '\0' ? 'X' : name[2];
}

/* Whether all threads but the one that asks sleep: they have come as far as they can. */
static inline int check_others_sleep(void) {
  DIR *threads = opendir("/proc/self/task");
  struct dirent *thread;
  int awake = 0;
  if (threads == NULL) return 1;
  while ((thread = readdir(threads)) != NULL) {
    if (thread->d_name[0] != '.' && strchr("SXZ", check_thread_state(thread->d_name)) == NULL) awake += 1;
  }
  closedir(threads);
  return awake <= 1;
}

/* Until another thread has reached the call in which it is to block: some time, and what it needs beyond on a busy machine. */
static inline void check_settle(void) {
  check_sleep(check_limit(120));
  for (int asleep = 0, looks = 0; asleep < 3 && looks < 1000; looks++) {
    asleep = check_others_sleep() ? asleep + 1 : 0;
    check_sleep(1);
  }
}

static inline int check_open_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int count = 0;
  if (directory == NULL) return 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

static inline void check_too_long(int number) {
  (void)number;
  printf("not ok %s: takes longer than a minute\n", check_now.name);
  fflush(stdout);
  _exit(1);
}

static inline void check_round(const check_test *test) {
  int before = check_open_descriptors(), left = 0;
  check_now.name = test->name;
  check_now.failed = check_now.skipped = check_now.late = 0;
  alarm((unsigned)check_limit(60000) / 1000);
  test->run();
  for (int i = 0; i < 50 && (left = check_open_descriptors() - before) > 0; i++) check_sleep(10);
  alarm(0);
  if (left > 0) check_fail("check.h", 0, "%d descriptors are still open", left);
}

/* Runs one test; 0 passed, 1 failed, 2 skipped. */
static inline int check_one(const check_test *test) {
  check_round(test);
  for (int more = 4; more > 0 && check_now.late && !check_now.failed; more--) check_round(test);
  if (check_now.late) check_now.failed = 1;
  if (check_now.failed) printf("not ok %s: %s\n", test->name, check_now.why);
  if (!check_now.failed && check_now.skipped) printf("skip %s: %s\n", test->name, check_now.why);
  if (!check_now.failed && !check_now.skipped) printf("ok %s\n", test->name);
  fflush(stdout);
  return check_now.failed ? 1 : check_now.skipped ? 2 : 0;
}

static inline int check_wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], name) == 0) return 1;
  }
  return argc < 2;
}

static inline int check_main(const check_test *tests, size_t count, int argc, char **argv) {
  int results[3] = {0, 0, 0};
  signal(SIGALRM, check_too_long);
  for (size_t i = 0; i < count; i++) {
    if (check_wanted(tests[i].name, argc, argv)) results[check_one(&tests[i])] += 1;
  }
  printf("%d passed, %d failed, %d skipped\n", results[0], results[1], results[2]);
  return results[1] == 0 ? 0 : 1;
}

#endif /* CHECK_H */
