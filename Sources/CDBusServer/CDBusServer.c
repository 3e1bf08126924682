// libdbus calls these two functions of libsystemd where a server takes over sockets from systemd. There is no static
// libsystemd, and nothing here is such a server. A dynamic link takes libsystemd's own.

#include "CDBusServer.h"

__attribute__((weak)) int sd_listen_fds(int unset) {
    (void)unset;
    return 0;
}

__attribute__((weak)) int sd_is_socket(int descriptor, int family, int type, int isListening) {
    (void)descriptor, (void)family, (void)type, (void)isListening;
    return 0;
}
