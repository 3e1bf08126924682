// What Glibc's Swift module hides: variadic, GNU-only and macro-made system interfaces.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// setns(2) with CLONE_NEWNET: moves the calling thread into the network namespace behind `descriptor`.
int CLinux_enterNetworkNamespace(int descriptor);

/// unshare(2) with CLONE_NEWNET: gives the calling thread a new, empty network namespace.
int CLinux_newNetworkNamespace(void);

/// fstatfs(2): 1 where `descriptor` is one of the kernel's namespace files, which alone answer namespace requests.
int CLinux_isNamespaceFile(int descriptor);

/// ioctl(2) NS_GET_NSTYPE: the CLONE_NEW* flag of the namespace behind `descriptor`, or -1 with errno.
int CLinux_namespaceType(int descriptor);

/// The CLONE_NEWNET flag, as CLinux_namespaceType returns it.
int CLinux_networkNamespaceType(void);

/// environ(7), which Swift 6 refuses to read as a global variable.
char *_Nullable *_Nonnull CLinux_environment(void);

/// memfd_create(2) with MFD_CLOEXEC.
int CLinux_memoryFile(const char *_Nonnull name);

/// renameat2(2) with RENAME_NOREPLACE: fails with EEXIST instead of replacing.
int CLinux_renameWithoutReplacing(
    int oldDirectory, const char *_Nonnull oldName, int newDirectory, const char *_Nonnull newName);

/// sync_file_range(2) with SYNC_FILE_RANGE_WRITE: begins to write what is dirty of a file, and does not wait.
void CLinux_startWriting(int descriptor);

/// pipe2(2) with O_CLOEXEC.
int CLinux_pipe(int descriptors[_Nonnull 2]);

/// Puts a reference to an open file, and one to `ends[0]`, into the queue of `ends[0]` (unix(7), SCM_RIGHTS). Once both ends
/// are closed, only the kernel's collector of sockets can release them. Returns -1 with errno where that cannot be done.
int CLinux_holdForCollector(int descriptor, int ends[_Nonnull 2]);

/// setitimer(2): in so many milliseconds, and ten times a second after that, calls that wait fail with EINTR.
void CLinux_interruptCalls(long milliseconds);

/// Undoes CLinux_interruptCalls.
void CLinux_stopInterrupting(void);

/// fork(2), which Swift refuses: only for processes with a single thread.
int CLinux_fork(void);

/// unshare(2) with CLONE_NEWNS and CLONE_NEWUTS: gives the calling process its own mounts and its own host name.
int CLinux_newMountAndHostNameNamespaces(void);

/// setns(2) with a process (pidfd): moves into its mount and host name namespaces, and into its network where that is asked.
int CLinux_enterNamespacesOfProcess(int process, int withNetwork);

/// close_range(2): closes every descriptor from 3 on but `kept`.
void CLinux_closeOthers(int kept);

/// prctl(2) PR_SET_PDEATHSIG: the calling process gets `signal` when the thread that started it ends.
int CLinux_signalWhenParentEnds(int signal);

/// pidfd_open(2), always close-on-exec.
int CLinux_openProcess(int identifier);

/// pidfd_send_signal(2).
int CLinux_signalProcess(int process, int signal);

/// openat2(2) with RESOLVE_NO_SYMLINKS: fails with ELOOP where a symbolic link is on the way.
int CLinux_openWithoutLinks(const char *_Nonnull path, int flags);

/// A main function.
typedef int (*CLinux_Program)(int count, char *_Nullable *_Nonnull words);

/// The main function of the program at `path`, where that is a name of the file that this process runs; NULL where it is not.
/// The program that holds all plugins (scripts/image) defines it; in others it is always NULL.
CLinux_Program _Nullable CLinux_ownProgram(const char *_Nonnull path);

/// vfork(2) and execve(2), with these descriptors as standard input and output and SIGPIPE as by default. What posix_spawn(3)
/// does beside that takes 128 system calls. SIGCHLD gets its default action, without which nobody can wait for the child. Returns an
/// error number, or 0 once the program runs.
///
/// A program that is in the same file as this one (`CLinux_ownProgram`) is not executed: the child of fork(2) goes on as that
/// one, with all that was set up at the start. It has the descriptors, the environment and the name that it would have had, but
/// what this process keeps in global variables, and its words in /proc; whatever goes wrong behind fork ends it with status
/// 127.
int CLinux_start(
    const char *_Nonnull path, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment,
    int input, int output, pid_t *_Nonnull identifier);
