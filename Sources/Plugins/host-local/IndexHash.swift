/// The hash by which the index finds things (FNV-1a, with a final mix so that every bit counts).
struct IndexHash {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash = IndexHash()
        for byte in bytes { hash.combine(UInt64(byte)) }
        return hash.value
    }

    static func of(words: some Sequence<UInt64>) -> UInt64 {
        var hash = IndexHash()
        for word in words { hash.combine(word) }
        return hash.value
    }

    private mutating func combine(_ word: UInt64) {
        state = (state ^ word) &* 0x0000_0100_0000_01B3
        state ^= state >> 32
    }

    private var value: UInt64 {
        var value = state
        value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ value >> 33
    }
}
