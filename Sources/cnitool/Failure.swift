internal import SystemPackage

/// One sentence about what went wrong and what to do.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// - Parameter what: what cannot be done, such as `cannot write into /etc/cni/net.d`.
    init(_ what: String, _ error: Errno) {
        self.init("\(what): \(error)" + (error == .permissionDenied ? ": run it as root" : ""))
    }
}
