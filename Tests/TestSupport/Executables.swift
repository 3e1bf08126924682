internal import Foundation

/// Where the built executables are.
public enum Executables {
    /// The folder: what `CNI_BIN` names where release executables are installed there, else the folder in which
    /// SwiftPM put this test bundle and everything else of the same build.
    public static let folder: String = {
        if let named = ProcessInfo.processInfo.environment["CNI_BIN"], !named.isEmpty { return named }
        return testBundleFolder ?? Repository.root.appending(path: ".build/debug").path
    }()

    /// The path of the executable of that name.
    public static func path(of name: String) -> String { folder + "/" + name }

    /// Whether it has been built.
    public static func exists(_ name: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: path(of: name))
    }

    /// The folder of the test bundle. On Linux it is the running program, or, where a helper of the toolchain runs
    /// the tests, one of its arguments.
    private static let testBundleFolder: String? = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let bundle = ([own] + CommandLine.arguments).first { $0.hasSuffix(".xctest") }
        return bundle.map { URL(filePath: $0).deletingLastPathComponent().path }
    }()
}
