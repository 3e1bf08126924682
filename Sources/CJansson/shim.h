#include <jansson.h>
#include <sys/auxv.h>  // getauxval, which Glibc's Swift module leaves out
