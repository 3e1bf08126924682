internal import Foundation

/// The connections that the kernel tracks, as `conntrack -L` tells them.
extension LabNamespace {
    /// A tracked flow, in its original direction.
    public struct Flow: Equatable, Sendable, CustomStringConvertible {
        /// Another one after the flow was forgotten and began anew.
        public let id: UInt32
        public let destination: String
        public let sourcePort: Int
        public let port: Int
        /// From where its answers come.
        public let answeredFrom: String

        public var description: String {
            "flow \(id) from port \(sourcePort) to \(destination) port \(port), answered from \(answeredFrom)"
        }
    }

    /// `conntrack -L -p …`
    public func flows(_ protocol: PortProtocol, _ family: PortFamily) throws -> [Flow] {
        let list = try shell("conntrack -L -p \(`protocol`.rawValue) -f \(family.rawValue) -o id 2>/dev/null")
        return list.split(separator: "\n").compactMap { line in
            let pairs = line.split(separator: " ").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
                .filter { $0.count == 2 }
            let values = { (key: String) in pairs.filter { $0[0] == key }.map { $0[1] } }
            guard let id = values("id").first.flatMap(UInt32.init), let destination = values("dst").first,
                let sourcePort = values("sport").first.flatMap(Int.init),
                let port = values("dport").first.flatMap(Int.init)
            else { return nil }
            return Flow(
                id: id, destination: destination, sourcePort: sourcePort, port: port,
                answeredFrom: values("src").last ?? "")
        }
    }
}
