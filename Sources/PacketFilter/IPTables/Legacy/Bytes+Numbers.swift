// The kernel's structures as bytes: numbers in this machine's order, at positions counted from the first byte. Who reads
// knows that there are enough bytes.

extension Array<UInt8> {
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Number {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }

    mutating func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        withUnsafeMutableBytes { $0.storeBytes(of: number, toByteOffset: offset, as: Number.self) }
    }

    mutating func store(_ bytes: some Collection<UInt8>, at offset: Int) {
        replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }
}

extension ArraySlice<UInt8> {
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Number {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }

    /// A part, by positions counted from the first byte.
    func part(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        self[(startIndex + offset)..<(startIndex + offset + count)]
    }

    /// The bytes up to a NUL, which need not be there.
    func text(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> { part(offset, count).prefix { $0 != 0 } }
}
