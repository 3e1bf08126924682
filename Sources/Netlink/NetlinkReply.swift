internal import CNetlink
internal import Glibc

/// A message from the kernel, valid while it is being visited.
package struct NetlinkReply {
    let header: UnsafeMutablePointer<nlmsghdr>

    /// RTM_*
    package var type: Int { Int(header.pointee.nlmsg_type) }

    /// The fixed structure that the message starts with; nil where the message is shorter than that.
    package func structure<Structure: BitwiseCopyable>(_: Structure.Type) -> Structure? {
        guard nlmsg_valid_hdr(header, Int32(MemoryLayout<Structure>.size)) != 0, let data = nlmsg_data(header) else {
            return nil
        }
        return data.loadUnaligned(as: Structure.self)
    }

    /// The attributes behind a fixed structure.
    package func attributes<Structure: BitwiseCopyable>(after _: Structure.Type) -> Attributes {
        let size = Int32(MemoryLayout<Structure>.size)
        return Attributes(first: nlmsg_attrdata(header, size), length: nlmsg_attrlen(header, size))
    }
}

/// A list of attributes (struct nlattr), looked up by type.
package struct Attributes {
    fileprivate let first: UnsafeMutablePointer<nlattr>?
    fileprivate let length: Int32

    package subscript(type: some BinaryInteger) -> Attribute? { self[UInt32(type)] }

    /// The same without a generic type: other modules call it, for lists of thousands of rules.
    package subscript(type: UInt32) -> Attribute? {
        guard let first, let found = nla_find(first, length, Int32(bitPattern: type)) else { return nil }
        return Attribute(pointer: found)
    }

    /// Every attribute of a type that may occur several times.
    package func all(_ type: some BinaryInteger) -> [Attribute] { all(UInt32(type)) }

    /// The same without a generic type.
    package func all(_ type: UInt32) -> [Attribute] {
        var found: [Attribute] = []
        var current = first
        var remaining = length
        while let attribute = current, nla_ok(attribute, remaining) != 0 {
            if nla_type(attribute) == Int32(bitPattern: type) { found.append(Attribute(pointer: attribute)) }
            current = nla_next(attribute, &remaining)
        }
        return found
    }
}

/// One attribute. A value of the wrong size reads as nil: kernels differ, and none may make a program trap.
package struct Attribute {
    let pointer: UnsafeMutablePointer<nlattr>

    package var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: nla_data(pointer), count: Int(nla_len(pointer)))) }

    /// A number in host order.
    package func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type = Number.self) -> Number? {
        structure(type)
    }

    /// A number of 32 bits in network order, as nf_tables tells all its numbers.
    package var networkNumber: UInt32? {
        guard nla_len(pointer) >= 4, let data = nla_data(pointer) else { return nil }
        return UInt32(bigEndian: data.loadUnaligned(as: UInt32.self))
    }

    package func structure<Structure: BitwiseCopyable>(_: Structure.Type) -> Structure? {
        guard Int(nla_len(pointer)) >= MemoryLayout<Structure>.size else { return nil }
        return nla_data(pointer)?.loadUnaligned(as: Structure.self)
    }

    package var text: String {
        let bytes = UnsafeRawBufferPointer(start: nla_data(pointer), count: Int(nla_len(pointer)))
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The attributes inside.
    package var nested: Attributes {
        Attributes(
            first: nla_data(pointer)?.assumingMemoryBound(to: nlattr.self), length: nla_len(pointer))
    }
}
