// All plugins as one program, which is the plugin that it is called as. `scripts/build` compiles this with -DPLUGINS, a list
// of PLUGIN("name", function) for each, and links it with what the compiler has made of all of them.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLUGIN(name, function) int function(int count, char **words);
PLUGINS
#undef PLUGIN

#define PLUGIN(name, function) {name, function},
static const struct {
    const char *name;
    int (*run)(int count, char **words);
} plugins[] = {PLUGINS};
#undef PLUGIN

enum { known = sizeof plugins / sizeof *plugins };

/// Whether `called` is `name`, or ends with it after a dash: two sets of plugins can be in one folder.
static int isCalled(const char *called, const char *name) {
    size_t length = strlen(called), wanted = strlen(name);
    if (length < wanted || strcmp(called + length - wanted, name) != 0) return 0;
    return length == wanted || called[length - wanted - 1] == '-';
}

typedef int (*Program)(int count, char **words);

static Program programCalled(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *called = slash ? slash + 1 : path;
    for (int number = 0; number < known; number++)
        if (isCalled(called, plugins[number].name)) return plugins[number].run;
    return NULL;
}

// A plugin that calls another one of this file needs no execve for it. The file, not the name, says whether it is one: where
// somebody has put something else in its place, or a newer version, that is what runs.
Program CLinux_ownProgram(const char *path) {
    struct stat asked, own;
    if (stat(path, &asked) != 0 || stat("/proc/self/exe", &own) != 0) return NULL;
    return asked.st_dev == own.st_dev && asked.st_ino == own.st_ino ? programCalled(path) : NULL;
}

int main(int count, char **words) {
    Program program = programCalled(count > 0 ? words[0] : "");
    if (program) return program(count, words);
    // As a runtime reads it.
    printf("{\n    \"cniVersion\": \"1.1.0\",\n    \"code\": 100,\n    \"msg\": \"this program has to be called as");
    for (int number = 0; number < known; number++)
        printf("%s %s", number == 0 ? "" : number == known - 1 ? " or" : ",", plugins[number].name);
    printf(", or PREFIX-NAME with one of these names\"\n}\n");
    return 1;
}
