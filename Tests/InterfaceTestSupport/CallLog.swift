public import SystemPackage

/// Every call to the fake kernel, in order, and the call that is to fail.
public final class CallLog {
    /// What was called, such as `host: add link cni0`.
    public private(set) var calls: [String] = []
    /// Decides about each call, by its number, counted from 1, and its text: nil lets it through. One that holds what this log
    /// belongs to is to be cleared.
    public var failure: (_ number: Int, _ call: String) -> Errno? = { _, _ in nil }

    public init() {}

    /// Lets the call with this number, counted from 1, fail.
    public func fail(call number: Int, _ errno: Errno) {
        failure = { current, _ in current == number ? errno : nil }
    }

    /// Lets every call fail whose text holds `part`.
    public func fail(_ part: String, _ errno: Errno) {
        failure = { _, call in call.contains(part) ? errno : nil }
    }

    public func clear() {
        calls = []
        failure = { _, _ in nil }
    }

    /// The position of the first call whose text holds `part`.
    public func position(_ part: String) -> Int? {
        calls.firstIndex { $0.contains(part) }
    }

    /// Notes a call, which fails where ``failure`` says so.
    public func record(_ call: String) throws(Errno) {
        calls.append(call)
        if let errno = failure(calls.count, call) { throw errno }
    }
}
