internal import Netlink

/// A connection to the packet filter of the kernel, which is opened when something is first asked; a socket costs more than a
/// question.
///
/// It belongs to the network namespace of the thread that asks first, and is closed with the last of those who share it: that
/// should be at the end of a command, as the end of a process waits for what is left to close.
public final class PacketFilterConnection {
    private var opened: NetlinkConnection?

    public init() {}

    /// One that is open already.
    init(_ opened: NetlinkConnection) { self.opened = opened }

    /// The connection itself; another one where an answer got lost on it.
    func open() throws(NetlinkError) -> NetlinkConnection {
        if let opened, !opened.hasLostAnswers { return opened }
        let connection = try NetlinkConnection(.netfilter)
        opened = connection
        return connection
    }
}
