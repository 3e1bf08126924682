internal import NetworkAddress

/// Private ranges for networks that name none.
enum FreeSubnet {
    /// In the order in which they are tried: 172.18.0.0/16 to 172.31.0.0/16, 192.168.0.0/20 to 192.168.240.0/20, and
    /// 10.144.0.0/20 to 10.223.240.0/20.
    static let candidates: [IPPrefix] = {
        func steps(from first: UInt128, to last: UInt128, length: Int) -> [IPPrefix] {
            stride(from: first, through: last, by: 1 << (32 - length)).compactMap {
                IPPrefix(IPAddress(.ipv4, number: $0), length: length)
            }
        }
        return steps(from: 0xAC12_0000, to: 0xAC1F_0000, length: 16)
            + steps(from: 0xC0A8_0000, to: 0xC0A8_F000, length: 20)
            + steps(from: 0x0A90_0000, to: 0x0ADF_F000, length: 20)
    }()

    /// The first one that nobody has.
    static func ipv4(in surroundings: NetworkSurroundings) throws(NetworkRefusal) -> IPPrefix {
        guard let free = candidates.first(where: { surroundings.holder(of: $0) == nil }) else {
            throw NetworkRefusal("no private range is free: name one with --subnet, or remove a network")
        }
        return free
    }

    /// A unique local network (RFC 4193) that nobody has: fd and 40 random bits, then zeros.
    static func ipv6(
        in surroundings: NetworkSurroundings, _ generator: inout some RandomNumberGenerator
    ) throws(NetworkRefusal) -> IPPrefix {
        for _ in 0..<1000 {
            let number = (0xFD << 40 | UInt128(UInt64.random(in: 0..<(1 << 40), using: &generator))) << 80
            if let prefix = IPPrefix(IPAddress(.ipv6, number: number), length: 64),
                surroundings.holder(of: prefix) == nil
            {
                return prefix
            }
        }
        throw NetworkRefusal("no unique local range is free: name one with --subnet")
    }
}
