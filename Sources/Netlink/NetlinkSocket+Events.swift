internal import CNetlink
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

extension NetlinkSocket {
    public func wait(milliseconds: Int, until condition: () throws(NetlinkError) -> Bool) throws(NetlinkError) -> Bool {
        // Most of the time there is nothing to wait for, and no second socket to pay for.
        if try condition() { return true }
        let deadline = MonotonicTime.now + milliseconds
        let events = try subscribe()
        // Changes from here on are seen; those before it the next question finds.
        while try !condition() {
            if deadline.remaining == 0 { return false }
            var waiting = pollfd(fd: nl_socket_get_fd(events.pointer), events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, CInt(deadline.remaining))
            events.discardPending()
        }
        return true
    }

    /// A socket that hears of changes.
    private func subscribe() throws(NetlinkError) -> SocketHandle {
        let events = try makeHandle()
        for group in [RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR] {
            let failure = nl_socket_add_membership(events.pointer, Int32(group.rawValue))
            if failure != 0 { throw NetlinkError(operation: "subscribe to changes", errno: Errno(libnl: failure)) }
        }
        return events
    }
}

extension SocketHandle {
    /// Drops what has arrived. That it arrived is all there is to know.
    fileprivate func discardPending() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while recv(nl_socket_get_fd(pointer), &buffer, buffer.count, CInt(MSG_DONTWAIT)) > 0 {}
    }
}
