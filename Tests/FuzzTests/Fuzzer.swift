import Foundation
import Glibc

/// libFuzzer, where `scripts/fuzz` has linked it in.
struct Fuzzer {
    private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    private typealias Driver =
        @convention(c) (
            UnsafeMutablePointer<CInt>, UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
            Callback
        ) -> CInt

    nonisolated(unsafe) private static var target: FuzzTarget?

    private let target: FuzzTarget
    private let driver: Driver
    private let arguments: [String]

    /// What is to be fuzzed in this run, if anything; nothing else is tried then.
    static var requested: [FuzzTarget]? {
        environment["CNI_FUZZ_TARGET"].map { name in FuzzTarget.all.filter { $0.name == name } }
    }

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// Nil where nothing is to be fuzzed in this run, or libFuzzer is not there.
    init?(for target: FuzzTarget) {
        guard Fuzzer.requested != nil, let symbol = dlsym(nil, "LLVMFuzzerRunDriver") else { return nil }
        self.target = target
        driver = unsafeBitCast(symbol, to: Driver.self)
        let arguments = Fuzzer.environment["CNI_FUZZ_ARGUMENTS"] ?? ""
        self.arguments = ["fuzz"] + arguments.split(separator: "\n").map(String.init)
    }

    /// Ends the process, with the status 0 where everything held.
    func run() throws {
        Fuzzer.target = target
        var count = CInt(arguments.count)
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
        for (position, argument) in arguments.enumerated() { list[position] = strdup(argument) }
        list[arguments.count] = nil
        var pointer = list
        let status = driver(&count, &pointer) { bytes, count in
            do { _ = try Fuzzer.target?.run(Array(UnsafeBufferPointer(start: bytes, count: count))) } catch {
                fatalError("\(error)")
            }
            return 0
        }
        exit(status)
    }
}
