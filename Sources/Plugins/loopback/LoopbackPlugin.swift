internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import Netlink
internal import NetworkAddress

/// Brings the loopback interface of a sandbox up, and down again.
///
/// The interface name that the runtime passes does not matter: there is one loopback interface, and its name is `lo`.
@main
struct LoopbackPlugin: Plugin {
    static let summary = "loopback: brings the loopback interface of a container up"

    var kernel: any KernelAccess = Kernel()

    func add(_ request: AttachRequest) throws -> AttachmentResult {
        let stack = try kernel.stack(in: request.sandbox)
        let link = try loopback(stack)
        let wasUp = link.isUp
        return try Rollback.guarding { rollback in
            try stack.change(link, LinkChange(isUp: true))
            rollback.onFailure("bring lo down") {
                if !wasUp { try stack.change(link, LinkChange(isUp: false)) }
            }
            if let prevResult = request.configuration.prevResult { return prevResult }
            let addresses = try stack.addresses(of: link, nil)
            return AttachmentResult(
                interfaces: [.init(name: link.name, mac: "00:00:00:00:00:00", sandbox: request.sandbox.path)],
                ips: addresses.filter(\.prefix.address.isLoopback).map { .init(interface: 0, address: $0.prefix) })
        }
    }

    func check(_ request: AttachRequest) throws {
        let stack = try kernel.stack(in: request.sandbox)
        let link = try loopback(stack)
        guard link.isUp else { throw CNIError(.failed, "lo in the sandbox is down") }
        let addresses = try stack.addresses(of: link, nil).map(\.prefix)
        for ip in request.configuration.prevResult?.ips ?? [] where ip.address.address.isLoopback {
            guard addresses.contains(ip.address) else {
                throw CNIError(.failed, "lo in the sandbox lacks the address \(ip.address)")
            }
        }
    }

    func delete(_ request: DetachRequest) throws {
        guard let sandbox = request.sandbox else { return }
        let stack = try kernel.stack(in: sandbox)
        if let link = try stack.link(named: "lo") { try stack.change(link, LinkChange(isUp: false)) }
    }

    private func loopback(_ stack: any NetworkStack) throws -> Link {
        guard let link = try stack.link(named: "lo") else { throw CNIError(.failed, "the sandbox has no link lo") }
        return link
    }
}
