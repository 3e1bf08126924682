/// What names of a packet filter may look like that come from a configuration.
public enum PacketFilterNames {
    /// Names of chains: what every tool prints and reads without quotes, and iptables has room for.
    public static func isChain(_ text: String) -> Bool {
        (1...28).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2D || byte == 0x5F
            }
    }

    /// What ``isChain(_:)`` wants, in words.
    public static let chainRule = "1 to 28 letters, digits, '_' or '-'"
}
