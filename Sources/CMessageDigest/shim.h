#pragma once
#include <sys/types.h>
#include <sha512.h>
