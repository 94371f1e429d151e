/* Ahead of the system's library: fdatasync() waits for SLOW_SYNC_MS milliseconds first. */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int file) {
    const char *asked = getenv("SLOW_SYNC_MS");
    long ms = asked ? atol(asked) : 0;
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
    return (int)syscall(SYS_fdatasync, file);
}
