// Swift's runtime learns the arguments of the program before main() by reading and parsing /proc/self/maps, which is a
// fifth of all that a plugin executes for VERSION. glibc hands argc and argv to every constructor. The two functions
// below stand in for the runtime's own (stdlib/public/CommandLineSupport/CommandLine.cpp): because they are defined
// here, a static link leaves that file out. With a toolchain that names them differently, they are never called.

#include "CStartup.h"

#include <stddef.h>

static char **arguments;
static int count;

__attribute__((constructor)) static void remember(int argumentCount, char **argumentValues) {
    arguments = argumentValues;
    count = argumentCount;
}

char **_swift_stdlib_getUnsafeArgvArgc(int *length) {
    *length = count;
    return arguments;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **values, int length) {
    arguments = values;
    count = length;
}

// Also before main(), the runtime looks in nine places for a program that prints what it has to say of a crash. Nobody
// installs that with plugins. These stand in for stdlib/public/runtime/Paths.cpp, which is left out in the same way.

char *swift_copyAuxiliaryExecutablePath(const char *name) { return NULL; }

const char *swift_getRootPath(void) { return NULL; }

const char *swift_getRuntimeLibraryPath(void) { return NULL; }
