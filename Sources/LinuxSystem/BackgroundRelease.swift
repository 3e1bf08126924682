internal import CLinux
internal import Glibc

/// Keeps an open file from being released by the process that closes it, for files whose release waits for something.
///
/// The file's descriptor is to be closed while this value lives. After that, the kernel's collector of unreachable sockets
/// holds the last reference: it releases the file on a thread of its own. Where the kernel cannot, or is older than 6.9, the
/// process waits as ever.
package struct BackgroundRelease: ~Copyable {
    private let ends: (CInt, CInt)?

    package init(of descriptor: CInt) {
        var numbers: [CInt] = [-1, -1]
        ends = CLinux_holdForCollector(descriptor, &numbers) == 0 ? (numbers[0], numbers[1]) : nil
    }

    deinit {
        guard let ends else { return }
        close(ends.0)
        close(ends.1)
    }
}
