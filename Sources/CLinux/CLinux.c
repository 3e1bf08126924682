#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int CLinux_enterNetworkNamespace(int descriptor) { return setns(descriptor, CLONE_NEWNET); }

int CLinux_newNetworkNamespace(void) { return unshare(CLONE_NEWNET); }

int CLinux_isNamespaceFile(int descriptor) {
    struct statfs file;
    return fstatfs(descriptor, &file) == 0 && file.f_type == NSFS_MAGIC;
}

int CLinux_namespaceType(int descriptor) { return ioctl(descriptor, NS_GET_NSTYPE); }

int CLinux_networkNamespaceType(void) { return CLONE_NEWNET; }

char **CLinux_environment(void) { return environ; }

int CLinux_memoryFile(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int CLinux_renameWithoutReplacing(int oldDirectory, const char *oldName, int newDirectory, const char *newName) {
    return renameat2(oldDirectory, oldName, newDirectory, newName, RENAME_NOREPLACE);
}

void CLinux_startWriting(int descriptor) { sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int CLinux_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }

int CLinux_holdForCollector(int descriptor, int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    int passed[2] = {ends[0], descriptor};
    char byte = 0;
    struct iovec data = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof passed)];
    } control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(&control.header), passed, sizeof passed);
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (sendmsg(ends[1], &message, MSG_DONTWAIT) >= 0) return 0;
    close(ends[0]);
    close(ends[1]);
    return -1;
}

static struct sigaction previousAlarm;

static void onAlarm(int signal) {}

void CLinux_interruptCalls(long milliseconds) {
    // Without SA_RESTART.
    struct sigaction action = {.sa_handler = onAlarm};
    sigaction(SIGALRM, &action, &previousAlarm);
    if (milliseconds < 1) milliseconds = 1;
    // Again and again: the first one may come between two calls.
    struct itimerval timer = {
        .it_value = {milliseconds / 1000, milliseconds % 1000 * 1000}, .it_interval = {0, 100 * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void CLinux_stopInterrupting(void) {
    struct itimerval none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &previousAlarm, NULL);
}

int CLinux_fork(void) { return fork(); }

int CLinux_newMountAndHostNameNamespaces(void) { return unshare(CLONE_NEWNS | CLONE_NEWUTS); }

int CLinux_enterNamespacesOfProcess(int process, int withNetwork) {
    return setns(process, CLONE_NEWNS | CLONE_NEWUTS | (withNetwork ? CLONE_NEWNET : 0));
}

void CLinux_closeOthers(int kept) {
    if (kept > 3) close_range(3, kept - 1, 0);
    close_range(kept + 1, ~0U, 0);
}

int CLinux_signalWhenParentEnds(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }

int CLinux_openProcess(int identifier) { return pidfd_open(identifier, 0); }

int CLinux_signalProcess(int process, int signal) { return pidfd_send_signal(process, signal, NULL, 0); }

int CLinux_openWithoutLinks(const char *path, int flags) {
    struct open_how how = {.flags = flags, .resolve = RESOLVE_NO_SYMLINKS};
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORKS_FOR_VFORK 1
#endif
#endif

__attribute__((weak)) CLinux_Program CLinux_ownProgram(const char *path) { return NULL; }

/// What execve does to a process, as far as it matters to one that goes on with another program of its own file. Returns where
/// that cannot be done (close_range is of Linux 5.9, and filters of system calls may not know it): then execve has to.
static void becomeOwnProgram(CLinux_Program program, char *const *arguments, char *const *environment) {
    if (close_range(3, ~0U, 0) != 0) return;
    // Closed on execve: whoever started us had closed standard error.
    if (fcntl(2, F_GETFD) & FD_CLOEXEC) close(2);
    const char *slash = strrchr(arguments[0], '/');
    prctl(PR_SET_NAME, slash ? slash + 1 : arguments[0]);
    environ = (char **)environment;
    int count = 0;
    while (arguments[count]) count++;
    exit(program(count, (char **)arguments));
}

int CLinux_start(
    const char *path, char *const *arguments, char *const *environment, int input, int output, pid_t *identifier) {
    volatile int failure = 0;
    sigset_t all, before;
    struct sigaction usual = {.sa_handler = SIG_DFL};
    // Who was started by somebody that ignores SIGCHLD would not learn how the child ends.
    sigaction(SIGCHLD, &usual, NULL);
#ifdef FORKS_FOR_VFORK
    // The sanitizer makes a fork of vfork: the child does not work in the parent's memory, and nobody waits for its execve.
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
#endif
    // After vfork the child works in the parent's memory: no handler may run there.
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    CLinux_Program own = CLinux_ownProgram(path);
    pid_t child = own ? fork() : vfork();
    if (child == 0) {
        sigaction(SIGPIPE, &usual, NULL);
        // A descriptor that has the number already would be closed by execve.
        int isSet = (input == 0 ? fcntl(0, F_SETFD, 0) : dup2(input, 0)) >= 0
            && (output == 1 ? fcntl(1, F_SETFD, 0) : dup2(output, 1)) >= 0;
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (isSet && own) becomeOwnProgram(own, arguments, environment);
        if (isSet) execve(path, arguments, environment);
        failure = errno;
#ifdef FORKS_FOR_VFORK
        write(report[1], (void *)&failure, sizeof failure);
#endif
        _exit(127);
    }
    if (child < 0) failure = errno;
#ifdef FORKS_FOR_VFORK
    close(report[1]);
    read(report[0], (void *)&failure, sizeof failure);
    close(report[0]);
#endif
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child > 0 && failure != 0) waitpid(child, NULL, 0);
    *identifier = child;
    return failure;
}
