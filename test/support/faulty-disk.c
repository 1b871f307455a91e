/*
 * A disk that fails on command, for tests: loaded before libc (LD_PRELOAD), it stands between a program and the files of one
 * folder. FAULTY_DISK_DIR is the folder, FAULTY_DISK_CONTROL a file of one line that is read at every call:
 *   fail ERRNO   writing, syncing, truncating and opening for writing fail
 *   slow MS      every sync takes that long
 * and nothing of it where the file is empty. For each call that failed a byte is added to CONTROL.refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int is_ours(const char *path) {
  const char *dir = getenv("FAULTY_DISK_DIR");
  return dir != NULL && strncmp(path, dir, strlen(dir)) == 0;
}

static int is_our_file(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return is_ours(path);
}

static void count_refusal(const char *control) {
  char path[4096];
  snprintf(path, sizeof path, "%s.refused", control);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (fd < 0) return;
  syscall(SYS_write, fd, "x", 1);
  syscall(SYS_close, fd);
}

/* What the call must fail with, 0 where it may pass; waits first where syncs are slow. */
static int trouble(int is_sync) {
  const char *control = getenv("FAULTY_DISK_CONTROL");
  char line[32] = "";
  int value = 0;
  if (control == NULL) return 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY, 0);
  if (fd < 0) return 0;
  syscall(SYS_read, fd, line, sizeof line - 1);
  syscall(SYS_close, fd);
  if (sscanf(line, "fail %d", &value) == 1) {
    count_refusal(control);
    return value;
  }
  if (is_sync && sscanf(line, "slow %d", &value) == 1) {
    struct timespec span = {value / 1000, value % 1000 * 1000000L};
    nanosleep(&span, NULL);
  }
  return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define GUARDED(result, name, is_sync, parameters, ...)      \
  result name parameters {                                   \
    int error = is_our_file(fd) ? trouble(is_sync) : 0;      \
    if (error == 0) return REAL(name)(__VA_ARGS__);          \
    errno = error;                                           \
    return -1;                                               \
  }

GUARDED(ssize_t, write, 0, (int fd, const void *bytes, size_t n), fd, bytes, n)
GUARDED(ssize_t, pwrite, 0, (int fd, const void *bytes, size_t n, off_t at), fd, bytes, n, at)
GUARDED(ssize_t, pwrite64, 0, (int fd, const void *bytes, size_t n, off64_t at), fd, bytes, n, at)
GUARDED(int, ftruncate, 0, (int fd, off_t length), fd, length)
GUARDED(int, ftruncate64, 0, (int fd, off64_t length), fd, length)
GUARDED(int, fsync, 1, (int fd), fd)
GUARDED(int, fdatasync, 1, (int fd), fd)

#define OPENING(name)                                                            \
  int name(const char *path, int flags, ...) {                                   \
    va_list rest;                                                                \
    va_start(rest, flags);                                                       \
    int mode = va_arg(rest, int);                                                \
    va_end(rest);                                                                \
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;      \
    int error = writes && is_ours(path) ? trouble(0) : 0;                        \
    if (error == 0) return REAL(name)(path, flags, mode);                        \
    errno = error;                                                               \
    return -1;                                                                   \
  }

OPENING(open)
OPENING(open64)
