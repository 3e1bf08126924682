/// A 64-bit FNV-1a hash of texts, the same in every process: what the names and marks of kernel objects are made from.
public enum StableHash {
    /// The texts count with a NUL between them.
    public static func value(of texts: [String]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for (position, text) in texts.enumerated() {
            if position > 0 { hash = hash &* 0x100_0000_01B3 }
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return hash
    }

    /// The first characters, at most twelve, of the hash in base 32: `a` to `z`, `2` to `7`.
    public static func text(of texts: [String], characters: Int) -> String {
        let hash = value(of: texts)
        var text = ""
        for position in 0..<characters {
            let digit = UInt8(hash >> UInt64(59 - 5 * position) & 31)
            let scalar = digit < 26 ? UInt8(ascii: "a") + digit : UInt8(ascii: "2") + digit - 26
            text.unicodeScalars.append(Unicode.Scalar(scalar))
        }
        return text
    }
}
