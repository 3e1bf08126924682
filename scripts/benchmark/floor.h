// What the two files of the floor share.
#include <netlink/netlink.h>

/// Ends the program where something has failed.
void require(int condition, const char *what);

/// The container's part of the packet filter, in the namespace of the caller: made, read again, and taken back.
void addToFilter(const char *address, const char *bridge);
void checkFilter(const char *address, const char *bridge);
void deleteFromFilter(const char *address, const char *bridge);
