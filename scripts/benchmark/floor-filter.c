// The packet filter's part of the floor: as much as our portmap, firewall and bridge (with ipMasq) put into the kernel for a
// container with two ports, in one transaction. The tables are those of floor.nft.
//
// Connections of UDP are not forgotten: not everybody has any.
#include "floor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD "container"
#define OWNER "floor/container/eth0"

struct element {
    const char *set;
    unsigned char key[36], value[8];
    int keyLength, valueLength;
};

enum { OWN = 8, SHARED = 2 };

/// Appends a field, which nf_tables pads to a multiple of four bytes.
static int put(unsigned char *bytes, int length, const void *field, int size) {
    memcpy(bytes + length, field, size);
    return length + (size + 3) / 4 * 4;
}

/// What belongs to the container, and after that what it shares with the others of its bridge.
static void describe(struct element elements[OWN + SHARED], const char *text, const char *bridge) {
    char link[16] = "";
    struct in_addr address;
    require(inet_aton(text, &address), text);
    strncpy(link, bridge, sizeof link - 1);
    // The letters of a key: an address, a link.
    const struct { const char *set, *key; } plain[] = {
        {"inside", "al"}, {"sources", "a"}, {"itself", "aa"}, {"hairpin", "lla"}, {"loopback", "a"}, {"containers", "a"},
        {"isolated_bridges", "l"}, {"same_bridge", "ll"}};
    const struct { unsigned char transport; int host, container; } ports[] = {
        {IPPROTO_TCP, 8080, 80}, {IPPROTO_UDP, 5353, 53}};
    memset(elements, 0, (OWN + SHARED) * sizeof *elements);
    for (int number = 0; number < 2; number++) {
        struct element *element = elements++;
        unsigned short host = htons(ports[number].host), container = htons(ports[number].container);
        element->set = "ports";
        element->keyLength = put(element->key, 0, &ports[number].transport, 1);
        element->keyLength = put(element->key, element->keyLength, &host, sizeof host);
        element->valueLength = put(element->value, 0, &address, sizeof address);
        element->valueLength = put(element->value, element->valueLength, &container, sizeof container);
    }
    for (int number = 0; number < 8; number++) {
        struct element *element = elements++;
        element->set = plain[number].set;
        for (const char *letter = plain[number].key; *letter; letter++)
            element->keyLength = *letter == 'a' ? put(element->key, element->keyLength, &address, sizeof address)
                                                : put(element->key, element->keyLength, link, sizeof link);
    }
}

// Messages

/// Several messages in one buffer, which the kernel is sent at once.
struct batch {
    char bytes[8192];
    int length;
};

static struct nl_msg *message(int type, int flags) {
    struct nl_msg *message = nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_REQUEST | flags);
    struct nfgenmsg head = {.nfgen_family = NFPROTO_INET};
    nlmsg_append(message, &head, sizeof head, NLMSG_ALIGNTO);
    return message;
}

static void append(struct batch *batch, struct nl_msg *message) {
    struct nlmsghdr *header = nlmsg_hdr(message);
    require(batch->length + NLMSG_ALIGN(header->nlmsg_len) <= sizeof batch->bytes, "a batch that is too long");
    memcpy(batch->bytes + batch->length, header, header->nlmsg_len);
    batch->length += NLMSG_ALIGN(header->nlmsg_len);
    nlmsg_free(message);
}

/// The message that begins or ends a transaction.
static void appendLimit(struct batch *batch, int type) {
    struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST);
    struct nfgenmsg head = {.res_id = htons(NFNL_SUBSYS_NFTABLES)};
    nlmsg_append(message, &head, sizeof head, NLMSG_ALIGNTO);
    append(batch, message);
}

/// A comment as nft keeps them: a type (0), a length, the text and a NUL.
static void putComment(struct nl_msg *message, int attribute, const char *text) {
    char bytes[256] = {0, strlen(text) + 1};
    strcpy(bytes + 2, text);
    nla_put(message, attribute, strlen(text) + 3, bytes);
}

static void putBytes(struct nl_msg *message, int attribute, const unsigned char *bytes, int length) {
    struct nlattr *nest = nla_nest_start(message, attribute);
    nla_put(message, NFTA_DATA_VALUE, length, bytes);
    nla_nest_end(message, nest);
}

/// Creates, deletes or asks for an element.
static struct nl_msg *elementMessage(int type, int flags, const struct element *element) {
    struct nl_msg *request = message(type, flags);
    nla_put_string(request, NFTA_SET_ELEM_LIST_TABLE, "floor");
    nla_put_string(request, NFTA_SET_ELEM_LIST_SET, element->set);
    struct nlattr *list = nla_nest_start(request, NFTA_SET_ELEM_LIST_ELEMENTS);
    struct nlattr *entry = nla_nest_start(request, NFTA_LIST_ELEM);
    putBytes(request, NFTA_SET_ELEM_KEY, element->key, element->keyLength);
    if (type == NFT_MSG_NEWSETELEM) {
        if (element->valueLength) putBytes(request, NFTA_SET_ELEM_DATA, element->value, element->valueLength);
        putComment(request, NFTA_SET_ELEM_USERDATA, OWNER);
    }
    nla_nest_end(request, entry);
    nla_nest_end(request, list);
    return request;
}

/// A rule of the container's record: it returns, or leads to the chain of what is shared, by which its users are counted.
static struct nl_msg *ruleMessage(const char *comment, const char *chain) {
    struct nl_msg *rule = message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    nla_put_string(rule, NFTA_RULE_TABLE, "floor_records");
    nla_put_string(rule, NFTA_RULE_CHAIN, RECORD);
    const int path[] = {NFTA_RULE_EXPRESSIONS, NFTA_LIST_ELEM, NFTA_EXPR_DATA, NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT};
    struct nlattr *nests[5];
    for (int depth = 0; depth < 5; depth++) {
        if (depth == 2) nla_put_string(rule, NFTA_EXPR_NAME, "immediate");
        if (depth == 3) nla_put_u32(rule, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
        nests[depth] = nla_nest_start(rule, path[depth]);
    }
    nla_put_u32(rule, NFTA_VERDICT_CODE, htonl(chain ? NFT_JUMP : NFT_RETURN));
    if (chain) nla_put_string(rule, NFTA_VERDICT_CHAIN, chain);
    for (int depth = 4; depth >= 0; depth--) nla_nest_end(rule, nests[depth]);
    putComment(rule, NFTA_RULE_USERDATA, comment);
    return rule;
}

static struct nl_msg *recordMessage(int type, int flags) {
    struct nl_msg *chain = message(type, flags);
    nla_put_string(chain, NFTA_CHAIN_TABLE, "floor_records");
    nla_put_string(chain, NFTA_CHAIN_NAME, RECORD);
    if (type == NFT_MSG_NEWCHAIN) putComment(chain, NFTA_CHAIN_USERDATA, OWNER);
    return chain;
}

// Exchanges

static int connection(void) {
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    require(descriptor >= 0, "netfilter");
    return descriptor;
}

/// Leaves the socket to the kernel's collector of unreachable sockets. Whoever releases one of netfilter waits until nothing is
/// left of what anybody has deleted from nf_tables, 10 ms and more, which is no work of ours; the collector has a thread of its
/// own. A socket that lies in the queue of a pair of which both ends are closed can be reached by nobody.
static void leave(int descriptor) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    int passed[2] = {ends[0], descriptor};
    struct iovec data = {"", 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof passed)];
    } control = {{.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof passed)}};
    memcpy(CMSG_DATA(&control.header), passed, sizeof passed);
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    require(sendmsg(ends[1], &message, 0) == 1, "a socket for the collector");
    close(descriptor);
    close(ends[0]);
    close(ends[1]);
}

static void sendAll(int descriptor, const struct batch *batch) {
    require(send(descriptor, batch->bytes, batch->length, 0) == batch->length, "send");
}

/// Reads until the kernel has said that it is done, or has given as many answers; how many answers there were.
static int receive(int descriptor, int most) {
    static char buffer[32768];
    int answers = 0;
    while (answers < most) {
        int length = recv(descriptor, buffer, sizeof buffer, 0);
        require(length > 0, "recv");
        for (struct nlmsghdr *header = (void *)buffer; nlmsg_ok(header, length); header = nlmsg_next(header, &length)) {
            if (header->nlmsg_type == NLMSG_DONE) return answers;
            if (header->nlmsg_type == NLMSG_ERROR) {
                errno = -((struct nlmsgerr *)nlmsg_data(header))->error;
                require(errno == 0, "packet filter");
                return answers;
            }
            answers++;
        }
    }
    return answers;
}

/// Carries out a transaction, which the kernel has done when it confirms the last message but the end.
static void transact(struct batch *batch) {
    appendLimit(batch, NFNL_MSG_BATCH_END);
    int descriptor = connection();
    sendAll(descriptor, batch);
    receive(descriptor, 1);
    leave(descriptor);
}

// Commands

void addToFilter(const char *address, const char *bridge) {
    struct element elements[OWN + SHARED];
    describe(elements, address, bridge);
    struct batch batch = {.length = 0};
    appendLimit(&batch, NFNL_MSG_BATCH_BEGIN);
    append(&batch, recordMessage(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL));
    for (int number = 0; number < OWN; number++) {
        char comment[64];
        snprintf(comment, sizeof comment, "%s %s . %s", elements[number].set, address, bridge);
        append(&batch, ruleMessage(comment, NULL));
    }
    const char *shared[] = {"isolated_bridges_of", "same_bridge_of", "loopback_links_of"};
    for (int number = 0; number < 3; number++) append(&batch, ruleMessage(shared[number], shared[number]));
    for (int number = 0; number < OWN; number++)
        append(&batch, elementMessage(NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL | (number == OWN - 1 ? NLM_F_ACK : 0),
                                      &elements[number]));
    transact(&batch);
}

void deleteFromFilter(const char *address, const char *bridge) {
    struct element elements[OWN + SHARED];
    describe(elements, address, bridge);
    struct batch batch = {.length = 0};
    appendLimit(&batch, NFNL_MSG_BATCH_BEGIN);
    for (int number = 0; number < OWN; number++) append(&batch, elementMessage(NFT_MSG_DELSETELEM, 0, &elements[number]));
    append(&batch, recordMessage(NFT_MSG_DELCHAIN, NLM_F_ACK));
    transact(&batch);
}

void checkFilter(const char *address, const char *bridge) {
    struct element elements[OWN + SHARED];
    describe(elements, address, bridge);
    int descriptor = connection();
    struct batch batch = {.length = 0};
    for (int number = 0; number < OWN + SHARED; number++)
        append(&batch, elementMessage(NFT_MSG_GETSETELEM, 0, &elements[number]));
    sendAll(descriptor, &batch);
    require(receive(descriptor, OWN + SHARED) == OWN + SHARED, "elements");
    // The container's record, and the rules that everybody has: these are a table, so that one list has them all.
    for (int number = 0; number < 2; number++) {
        struct nl_msg *list = message(NFT_MSG_GETRULE, NLM_F_DUMP);
        nla_put_string(list, NFTA_RULE_TABLE, number ? "floor" : "floor_records");
        if (!number) nla_put_string(list, NFTA_RULE_CHAIN, RECORD);
        batch.length = 0;
        append(&batch, list);
        sendAll(descriptor, &batch);
        int rules = receive(descriptor, 1000);
        require(number ? rules > 0 : rules == OWN + 3, "rules");
    }
    leave(descriptor);
}
