internal import CNetlink
internal import Glibc

/// A request in the making: a header, then attributes (libnl's nlmsg and nla layer).
package struct NetlinkMessage: ~Copyable {
    let pointer: OpaquePointer

    /// - Parameters:
    ///   - type: RTM_*.
    ///   - flags: NLM_F_* beside NLM_F_REQUEST.
    ///   - header: the fixed structure that the type starts with.
    ///   - capacity: room in bytes; an attribute beyond it is a mistake of the caller.
    package init<Header: BitwiseCopyable>(_ type: Int, flags: Int32 = 0, _ header: Header, capacity: Int = 4096) {
        guard let message = nlmsg_alloc_size(capacity) else { fatalError("out of memory") }
        nlmsg_put(message, UInt32(NL_AUTO_PORT), UInt32(NL_AUTO_SEQ), Int32(type), 0, Int32(NLM_F_REQUEST) | flags)
        pointer = message
        var header = header
        let failure = nlmsg_append(message, &header, MemoryLayout<Header>.size, Int32(NLMSG_ALIGNTO))
        precondition(failure == 0, "the message has no room")
    }

    deinit { nlmsg_free(pointer) }

    package func append(_ type: some BinaryInteger, bytes: [UInt8]) {
        bytes.withUnsafeBytes { put(Int32(type), $0) }
    }

    /// A number in host order, as wide as its type.
    package func append<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: some BinaryInteger, _ number: Number
    ) {
        withUnsafeBytes(of: number) { put(Int32(type), $0) }
    }

    /// A fixed structure.
    package func append<Structure: BitwiseCopyable>(_ type: some BinaryInteger, structure: Structure) {
        withUnsafeBytes(of: structure) { put(Int32(type), $0) }
    }

    /// A text with the NUL that the kernel expects at its end.
    package func append(_ type: some BinaryInteger, text: String) { put(Int32(type), text) }

    /// An attribute that holds the attributes which `body` appends. One without any is still there.
    package func nest(_ type: some BinaryInteger, _ body: (borrowing NetlinkMessage) -> Void) {
        let start = startNest(Int32(type))
        body(self)
        endNest(start)
    }

    /// A structure right in the message, between attributes, as the peer of a veth pair has it.
    package func append<Header: BitwiseCopyable>(inline header: Header) {
        var header = header
        let failure = nlmsg_append(pointer, &header, MemoryLayout<Header>.size, Int32(NLMSG_ALIGNTO))
        precondition(failure == 0, "the message has no room")
    }

    // MARK: Not generic: for callers in other modules, where a generic function looks up its types each time

    package func put(_ type: Int32, _ value: UnsafeRawBufferPointer) {
        let failure = nla_put(pointer, type, Int32(value.count), value.baseAddress)
        precondition(failure == 0, "the message has no room")
    }

    package func put(_ type: Int32, _ text: String) {
        // All of it, whatever it holds: names that come from outside have been looked at (`Names`, and jansson refuses NUL).
        var text = text
        text.withUTF8 { text in
            guard let place = nla_reserve(pointer, type, Int32(text.count) + 1) else {
                preconditionFailure("the message has no room")
            }
            guard let value = nla_data(place) else { return }
            if let start = text.baseAddress { value.copyMemory(from: start, byteCount: text.count) }
            value.storeBytes(of: 0, toByteOffset: text.count, as: UInt8.self)
        }
    }

    package func startNest(_ type: Int32) -> UnsafeMutableRawPointer {
        guard let start = nla_nest_start(pointer, type) else { preconditionFailure("the message has no room") }
        return UnsafeMutableRawPointer(start)
    }

    package func endNest(_ start: UnsafeMutableRawPointer) {
        nla_nest_end_keep_empty(pointer, start.assumingMemoryBound(to: nlattr.self))
    }

    /// The bytes of all attributes behind a fixed structure, as they have been appended.
    package func attributeBytes<Header: BitwiseCopyable>(after _: Header.Type) -> [UInt8] {
        let header = nlmsg_hdr(pointer)
        let size = Int32(MemoryLayout<Header>.size)
        return Array(
            UnsafeRawBufferPointer(start: nlmsg_attrdata(header, size), count: Int(nlmsg_attrlen(header, size))))
    }
}
