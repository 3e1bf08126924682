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
    var bytes: [UInt8] = []
    var size = 4096
    while true {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: size))
        let count = try succeeding { bytes.withUnsafeMutableBytes { read(number, $0.baseAddress.map { $0 + start }, size) } }
        bytes.removeLast(size - count)
        if count == 0 { return bytes }
        if bytes.count > limit { throw .fileTooLarge }
        if count == size { size = min(size * 4, 1 << 20) }
    }
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
