// What the kernel has to do for one container on a bridge, in one process and without anything else: no configuration is
// read, nothing is looked for that is known, nothing is undone. `scripts/bench` compares the plugins with it.
//
//     floor add|check|del BRIDGE HOSTLINK NAMESPACE LEASES ADDRESS PREFIX GATEWAY [chain]
//
// The lease is a file as host-local has it, on the disk when this ends. An empty GATEWAY gets no route. With `chain`, what
// podman's chain of plugins does is done: also in the packet filter, and a setting of the container's link.
#define _GNU_SOURCE
#include "floor.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char setting[] = "/proc/sys/net/ipv4/conf/eth0/arp_filter";

void require(int condition, const char *what) {
    if (condition) return;
    perror(what);
    exit(1);
}

static void enter(int namespace) { require(setns(namespace, CLONE_NEWNET) == 0, "setns"); }

static struct nl_sock *connection(void) {
    struct nl_sock *socket = nl_socket_alloc();
    require(nl_connect(socket, NETLINK_ROUTE) == 0, "nl_connect");
    return socket;
}

static void writeFile(const char *value, const char *format, ...) {
    char path[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    require(file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value), path);
    close(file);
}

static int readFile(const char *path, char *content, int size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    require(file >= 0, path);
    int length = read(file, content, size);
    close(file);
    return length;
}

/// Runs in a thread of its own: the disk and the kernel are waited for at the same time.
static void *makeLease(void *argument) {
    char **words = argument;
    const char *folder = words[5], *address = words[6];
    int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(directory >= 0, folder);
    int lock = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    require(lock >= 0 && lockf(lock, F_LOCK, 0) == 0, "lock");
    int files[2];
    for (int number = 0; number < 2; number++) {
        const char *name = number ? "last_reserved_ip.0" : address;
        files[number] = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        require(files[number] >= 0 && write(files[number], "container\r\neth0", 15) == 15, name);
        sync_file_range(files[number], 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    // One commit of the file system's journal does for all of it.
    require(fsync(files[0]) == 0 && fsync(files[1]) == 0 && fsync(directory) == 0, "fsync");
    return NULL;
}

static struct nl_addr *parse(const char *text, int prefix) {
    struct nl_addr *address = NULL;
    require(nl_addr_parse(text, AF_INET, &address) == 0, text);
    if (prefix >= 0) nl_addr_set_prefixlen(address, prefix);
    return address;
}

static struct rtnl_link *find(struct nl_sock *socket, const char *name) {
    struct rtnl_link *link = NULL;
    require(rtnl_link_get_kernel(socket, 0, name, &link) == 0, name);
    return link;
}

static void bringUp(struct nl_sock *socket, int index) {
    struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();
    rtnl_link_set_ifindex(link, index);
    rtnl_link_set_flags(change, IFF_UP);
    require(rtnl_link_change(socket, link, change, 0) == 0, "link up");
}

static void add(char **words, int host, int sandbox, int isChain) {
    const char *bridgeName = words[2], *hostLink = words[3];
    pthread_t lease;
    require(pthread_create(&lease, NULL, makeLease, words) == 0, "thread");
    struct nl_sock *outside = connection();
    enter(sandbox);
    struct nl_sock *inside = connection();
    enter(host);
    struct rtnl_link *bridge = find(outside, bridgeName);
    struct rtnl_link *link = rtnl_link_veth_alloc(), *peer = rtnl_link_veth_get_peer(link);
    rtnl_link_set_name(link, hostLink);
    rtnl_link_set_master(link, rtnl_link_get_ifindex(bridge));
    rtnl_link_set_flags(link, IFF_UP);
    rtnl_link_set_name(peer, "eth0");
    rtnl_link_set_ns_fd(peer, sandbox);
    require(rtnl_link_add(outside, link, NLM_F_CREATE | NLM_F_EXCL) == 0, "veth");
    enter(sandbox);
    const char *paths[] = {"ipv6/conf/eth0/accept_ra", "ipv6/conf/eth0/autoconf", "ipv4/conf/eth0/arp_notify",
                           "ipv6/conf/eth0/ndisc_notify", "ipv6/conf/eth0/disable_ipv6"};
    for (int number = 0; number < 5; number++) writeFile(number < 2 ? "0" : "1", "/proc/sys/net/%s", paths[number]);
    if (isChain) writeFile("1", "%s", setting);
    enter(host);
    struct rtnl_link *container = find(inside, "eth0");
    int index = rtnl_link_get_ifindex(container);
    bringUp(inside, index);
    struct rtnl_addr *address = rtnl_addr_alloc();
    rtnl_addr_set_ifindex(address, index);
    rtnl_addr_set_local(address, parse(words[6], atoi(words[7])));
    require(rtnl_addr_add(inside, address, 0) == 0, "address");
    if (isChain) addToFilter(words[6], bridgeName);
    if (*words[8]) {
        struct rtnl_route *route = rtnl_route_alloc();
        struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
        rtnl_route_set_dst(route, parse("0.0.0.0/0", 0));
        rtnl_route_nh_set_ifindex(hop, index);
        rtnl_route_nh_set_gateway(hop, parse(words[8], -1));
        rtnl_route_add_nexthop(route, hop);
        require(rtnl_route_add(inside, route, 0) == 0, "route");
    }
    pthread_join(lease, NULL);
}

static void check(char **words, int host, int sandbox, int isChain) {
    struct nl_sock *outside = connection();
    enter(sandbox);
    struct nl_sock *inside = connection();
    enter(host);
    find(outside, words[2]);
    find(outside, words[3]);
    find(inside, "eth0");
    struct nl_cache *cache;
    require(rtnl_addr_alloc_cache(inside, &cache) == 0, "addresses");
    require(rtnl_route_alloc_cache(inside, AF_INET, 0, &cache) == 0, "routes");
    char path[256];
    snprintf(path, sizeof path, "%s/%s", words[5], words[6]);
    char content[32];
    require(readFile(path, content, sizeof content) == 15, path);
    if (!isChain) return;
    checkFilter(words[6], words[2]);
    enter(sandbox);
    require(readFile(setting, content, sizeof content) == 2 && content[0] == '1', setting);
}

static void delete(char **words, int isChain) {
    struct nl_sock *outside = connection();
    struct rtnl_link *link = rtnl_link_alloc();
    rtnl_link_set_name(link, words[3]);
    require(rtnl_link_delete(outside, link) == 0, "delete");
    if (isChain) deleteFromFilter(words[6], words[2]);
    int directory = open(words[5], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(unlinkat(directory, words[6], 0) == 0 && fsync(directory) == 0, "unlink");
}

int main(int count, char **words) {
    int isChain = count == 10 && strcmp(words[9], "chain") == 0;
    require(count == 9 || isChain, "arguments");
    int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), sandbox = open(words[4], O_RDONLY | O_CLOEXEC);
    require(host >= 0 && sandbox >= 0, "namespace");
    if (strcmp(words[1], "add") == 0) add(words, host, sandbox, isChain);
    else if (strcmp(words[1], "check") == 0) check(words, host, sandbox, isChain);
    else delete(words, isChain);
    return 0;
}
