#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
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

int CLinux_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }
