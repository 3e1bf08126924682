internal import Glibc
public import SystemPackage

/// A file of 64-bit words in this machine's byte order, read and written in place. Positions and counts are in words.
public struct WordFile: ~Copyable {
    private let descriptor: OwnedDescriptor

    init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Reads up to `count` words (pread(2)); fewer where the file ends.
    public func words(at position: Int, count: Int) throws(Errno) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: count)
        var done = 0
        while done < count * 8 {
            let read = try succeeding {
                words.withUnsafeMutableBytes {
                    pread(descriptor.number, $0.baseAddress.map { $0 + done }, count * 8 - done, position * 8 + done)
                }
            }
            if read == 0 { break }
            done += read
        }
        words.removeLast(count - done / 8)
        return words
    }

    /// Writes all words (pwrite(2)).
    public func write(_ words: [UInt64], at position: Int) throws(Errno) {
        var done = 0
        while done < words.count * 8 {
            done += try succeeding {
                words.withUnsafeBytes {
                    pwrite(
                        descriptor.number, $0.baseAddress.map { $0 + done }, words.count * 8 - done, position * 8 + done
                    )
                }
            }
        }
    }

    /// Cuts or extends the file with zeros (ftruncate(2)).
    public func resize(to count: Int) throws(Errno) {
        try succeeding { ftruncate(descriptor.number, count * 8) }
    }
}
