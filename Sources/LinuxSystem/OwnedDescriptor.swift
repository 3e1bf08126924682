internal import Glibc
internal import SystemPackage

/// A file descriptor that closes itself at the end of its life.
public struct OwnedDescriptor: ~Copyable {
    let number: CInt

    /// Takes over `number`, which nobody else closes.
    init(adopting number: CInt) {
        self.number = number
    }

    /// open(2), always close-on-exec.
    init(opening path: String, _ flags: CInt, mode: mode_t = 0) throws(Errno) {
        number = try succeeding { open(path, flags | O_CLOEXEC, mode) }
    }

    /// openat(2), always close-on-exec.
    init(opening name: String, in directory: CInt, _ flags: CInt, mode: mode_t = 0) throws(Errno) {
        number = try succeeding { openat(directory, name, flags | O_CLOEXEC, mode) }
    }

    deinit { close(number) }

    /// Reads to the end; more than `limit` bytes are `EFBIG`.
    func readAll(limit: Int) throws(Errno) -> [UInt8] {
        try LinuxSystem.readAll(from: number, limit: limit)
    }

    func writeAll(_ bytes: [UInt8]) throws(Errno) {
        try LinuxSystem.writeAll(bytes, to: number)
    }
}

/// Reads everything from a descriptor; more than `limit` bytes are `EFBIG`.
func readAll(from number: CInt, limit: Int) throws(Errno) -> [UInt8] {
    // As much as a pipe holds; only what a read fills is ever touched.
    let result = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { chunk -> Result<[UInt8], Errno> in
        var bytes: [UInt8] = []
        do throws(Errno) {
            while true {
                let count = try succeeding { read(number, chunk.baseAddress, chunk.count) }
                if count == 0 { return .success(bytes) }
                bytes.append(contentsOf: chunk[..<count])
                if bytes.count > limit { return .failure(.fileTooLarge) }
            }
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

/// Writes every byte to a descriptor.
func writeAll(_ bytes: [UInt8], to number: CInt) throws(Errno) {
    var start = 0
    while start < bytes.count {
        start += try succeeding {
            bytes.withUnsafeBytes { write(number, $0.baseAddress.map { $0 + start }, bytes.count - start) }
        }
    }
}
