internal import CNetlink
internal import Glibc
internal import LinuxSystem
package import SystemPackage

/// Several messages that the kernel carries out together or not at all (nfnetlink's batches).
package struct NetlinkBatch {
    fileprivate var bytes: [UInt8] = []
    private var lastStart = 0
    /// How many messages there are; the next one has this number.
    package private(set) var count = 0

    package init() {}

    /// Appends a message. The kernel tells its failure, but does not confirm it: see ``askForAnswer()``.
    package mutating func append(_ message: consuming NetlinkMessage) {
        guard let header = nlmsg_hdr(message.pointer) else { return }
        header.pointee.nlmsg_seq = UInt32(count)
        header.pointee.nlmsg_pid = 0
        lastStart = bytes.count
        bytes += UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len))
        bytes += repeatElement(0, count: (4 - bytes.count & 3) & 3)
        count += 1
    }

    /// Has the kernel confirm the message that was appended last.
    package mutating func askForAnswer() {
        if bytes.isEmpty { return }
        bytes.withUnsafeMutableBytes { bytes in
            let flags = lastStart + (MemoryLayout<nlmsghdr>.offset(of: \.nlmsg_flags) ?? 6)
            let value = bytes.loadUnaligned(fromByteOffset: flags, as: UInt16.self)
            bytes.storeBytes(of: value | UInt16(NLM_F_ACK), toByteOffset: flags, as: UInt16.self)
        }
    }
}

/// What the kernel did not like about one message of a batch.
package struct NetlinkBatchFailure: Error, Equatable {
    /// The number of the message, in the order of ``NetlinkBatch/append(_:)``, from 0.
    package let position: Int
    package let errno: Errno
    /// The text of the extended acknowledgement, if there is one.
    package let message: String?
}

extension NetlinkConnection {
    /// Sends a batch and reads every answer: those that the kernel gives are there when the call that sends returns.
    ///
    /// - Throws: the failure of the first message that failed. Then nothing has changed.
    package func transact(_ batch: NetlinkBatch) throws(NetlinkBatchFailure) {
        let socket = nl_socket_get_fd(handle.pointer)
        var failure: NetlinkBatchFailure?
        var isAnswered = false
        // libnl leaves the socket with room for 32 KB, of which the kernel counts more than the bytes.
        if batch.bytes.count > 16_384 {
            var size = CInt(clamping: batch.bytes.count + 65_536)
            setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        var sent: Int
        repeat { sent = send(socket, batch.bytes, batch.bytes.count, 0) } while sent < 0 && Glibc.errno == EINTR
        if sent < 0 { throw NetlinkBatchFailure(position: 0, errno: Errno(rawValue: Glibc.errno), message: nil) }
        var buffer = [UInt8](repeating: 0, count: 32768)
        while true {
            let count = recv(socket, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            if count < 0 && (Glibc.errno == EINTR || Glibc.errno == ENOBUFS) { continue }
            if count <= 0 { break }
            NetlinkConnection.answers(in: &buffer, count: count) { answer in
                // What is left of an earlier exchange has a number that is far higher.
                guard answer.position < batch.count else { return }
                isAnswered = true
                if answer.errno.rawValue != 0 && answer.position < failure?.position ?? .max { failure = answer }
            }
        }
        if let failure { throw failure }
        if !isAnswered {
            hasLostAnswers = true
            throw NetlinkBatchFailure(position: 0, errno: .ioError, message: "no answer")
        }
    }

    /// Every answer in what was received; one without an error has the error number 0.
    static func answers(in buffer: inout [UInt8], count: Int, _ visit: (NetlinkBatchFailure) -> Void) {
        buffer.withUnsafeMutableBytes { bytes in
            var remaining = CInt(count)
            var current = bytes.baseAddress?.assumingMemoryBound(to: nlmsghdr.self)
            while let header = current, nlmsg_ok(header, remaining) != 0 {
                if header.pointee.nlmsg_type == UInt16(NLMSG_ERROR),
                    nlmsg_valid_hdr(header, CInt(MemoryLayout<nlmsgerr>.size)) != 0,
                    let error = nlmsg_data(header)?.assumingMemoryBound(to: nlmsgerr.self)
                {
                    visit(
                        NetlinkBatchFailure(
                            position: Int(header.pointee.nlmsg_seq), errno: Errno(answer: error.pointee.error),
                            message: extendedText(error)))
                }
                current = nlmsg_next(header, &remaining)
            }
        }
    }
}
