internal import CNI
internal import CNIPlugin
internal import Netlink

/// A port of a bridge that exchanges no frames with other isolated ports (`bridge link set dev NAME isolated on`).
struct IsolatedPort {
    private let link: Link
    private let host: any NetworkStack

    init(_ link: Link, _ host: any NetworkStack) {
        self.link = link
        self.host = host
    }

    /// Isolates it. It needs no undoing on DEL: the port goes with the container's link.
    func isolate(_ rollback: Rollback) throws {
        if link.port?.isIsolated ?? false { return }
        try host.change(link, LinkChange(port: BridgePortChange(isIsolated: true)))
        rollback.onFailure("let \(link.name) reach other ports again") {
            try host.change(link, LinkChange(port: BridgePortChange(isIsolated: false)))
        }
    }

    func check() throws(CNIError) {
        guard link.port?.isIsolated ?? false else {
            throw CNIError(.failed, "\(link.name) is not isolated from the other ports of its bridge")
        }
    }
}
