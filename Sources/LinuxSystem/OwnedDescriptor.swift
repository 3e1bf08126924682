internal import Glibc
public import SystemPackage

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

/// The contents of the regular file at `path`; more than `limit` bytes are `EFBIG`, anything but a file `EINVAL`.
public func readFile(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
    // O_NONBLOCK keeps a fifo from holding the process up.
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK)
    var status = stat()
    try succeeding { fstat(file.number, &status) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .invalidArgument }
    return try file.readAll(limit: limit)
}
