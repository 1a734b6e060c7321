/* Records what a process writes to the files of one folder, in order, so that a test can replay it up to a power cut. Loaded with LD_PRELOAD.
 * RECORDED_FOLDER names the folder, and RECORDING the file of the record. An entry of it is: operation (1 byte: w, t, s or u for write, truncate,
 * sync and unlink), length of the file's name (1), name, offset (8), length of the data (8), data; numbers in the byte order of the machine. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int recording = -1;

/* Returns the name of a file of the folder, or NULL for other files. `path` has the room for it. */
static const char *recorded(int fd, char *path, size_t room) {
    char link[40];
    const char *folder = getenv("RECORDED_FOLDER");
    if (folder == NULL) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    size_t prefix = strlen(folder);
    if (length <= (ssize_t)prefix || strncmp(path, folder, prefix) != 0 || path[prefix] != '/') return NULL;
    path[length] = 0;
    return path + prefix + 1;
}

static void record_named(char operation, const char *name, off_t offset, const void *data, size_t length) {
    if (name == NULL || strstr(name, "-shm") != NULL) return;
    unsigned char name_length = (unsigned char)strlen(name);
    unsigned long long numbers[2] = {(unsigned long long)offset, length};
    struct iovec parts[5] = {
        {&operation, 1}, {&name_length, 1}, {(void *)name, name_length}, {numbers, sizeof numbers}, {(void *)data, length}};
    pthread_mutex_lock(&lock);
    if (recording < 0) recording = (int)syscall(SYS_openat, AT_FDCWD, getenv("RECORDING"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (syscall(SYS_writev, recording, parts, 5) < 0) abort();
    pthread_mutex_unlock(&lock);
}

static void record(char operation, int fd, off_t offset, const void *data, size_t length) {
    char path[4096];
    record_named(operation, recorded(fd, path, sizeof path), offset, data, length);
}

/* Writes are recorded before they happen, and syncs after: a write may be lost in a cut that a sync has not come to. */
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    record('w', fd, offset, data, length);
    return syscall(SYS_pwrite64, fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (offset >= 0) record('w', fd, offset, data, length);
    return syscall(SYS_write, fd, data, length);
}

int ftruncate64(int fd, off64_t length) {
    record('t', fd, length, NULL, 0);
    return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fsync(int fd) {
    int result = (int)syscall(SYS_fsync, fd);
    if (result == 0) record('s', fd, 0, NULL, 0);
    return result;
}

int fdatasync(int fd) {
    int result = (int)syscall(SYS_fdatasync, fd);
    if (result == 0) record('s', fd, 0, NULL, 0);
    return result;
}

int unlink(const char *path) {
    const char *folder = getenv("RECORDED_FOLDER");
    size_t prefix = folder == NULL ? 0 : strlen(folder);
    if (folder != NULL && strncmp(path, folder, prefix) == 0 && path[prefix] == '/') {
        record_named('u', path + prefix + 1, 0, NULL, 0);
    }
    return (int)syscall(SYS_unlink, path);
}
