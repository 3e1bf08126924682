import Foundation
import TestSupport
import Testing

/// The source tree keeps the rules that no compiler checks.
@Suite struct LayoutTests {
    static let files: [LayoutRules.File] = {
        let root = Repository.root.appending(path: "Sources").path
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
        return paths.filter { $0.hasSuffix(".swift") }.sorted().compactMap { path in
            (try? String(contentsOfFile: root + "/" + path, encoding: .utf8)).map {
                LayoutRules.File(path: path, text: $0)
            }
        }
    }()

    @Test func `the sources are found`() {
        #expect(LayoutTests.files.count > 30)
    }

    @Test(arguments: files.indices) func `keeps every rule`(number: Int) {
        let complaints = LayoutRules.complaints(LayoutTests.files[number])
        #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
    }

    /// Each rule finds what it is for.
    @Test(arguments: [
        ("bridge/a.swift", "internal import CNetlink", "CNetlink belongs to Netlink"),
        ("Netlink/a.swift", "internal import CJansson", "CJansson belongs to JSON"),
        ("CNI/a.swift", "import CLinux", "CLinux belongs to LinuxSystem"),
        ("PacketFilter/a.swift", "import CIPTables", "CIPTables has no owner"),
        ("CNI/a.swift", "let a: OpaquePointer?", "OpaquePointer outside"),
        ("Plugins/host-local/a.swift", "var a = UnsafeRawPointer(b)", "UnsafeRawPointer outside"),
        ("CNIPlugin/a.swift", "a.withUnsafeBytes { _ in }", "withUnsafeBytes outside"),
        ("Plugins/bridge/a.swift", "import Foundation", "imports Foundation"),
        ("CNI/a.swift", "internal import FoundationEssentials", "imports FoundationEssentials"),
        ("Netlink/a.swift", "import Dispatch", "imports Dispatch"), ("CNI/a.swift", "func a() async {}", "uses async"),
        ("CNI/a.swift", "await a()", "uses await"), ("CNI/a.swift", "actor A {}", "uses actor"),
        ("CNI/a.swift", "Task { }", "uses Task"), ("CNI/a.swift", "let a = try! b()", "try!"),
        ("CNI/a.swift", "let a = b as! C", "as!"), ("CNI/a.swift", "let a = b!.c", "forces b!"),
        ("CNI/a.swift", "let a = b()!", "forces )!"), ("CNI/a.swift", "var a: Int!", "forces t!"),
        ("CNI/a.swift", "let a = b[0]!", "forces ]!"),
        ("CNI/a.swift", String(repeating: "\n", count: 401), "longer than 400 lines"),
        ("CNI/a.swift", "public struct A {", "no documentation"),
        ("CNI/a.swift", "// no\npublic func a() {", "no documentation"),
        ("CNI/a.swift", "extension A {\n    public static func a() {", "no documentation"),
    ])
    func `each rule can fail`(path: String, text: String, complaint: String) {
        let complaints = LayoutRules.complaints(LayoutRules.File(path: path, text: text + "\n"))
        #expect(complaints.contains { $0.contains(complaint) }, "\(complaints)")
    }

    @Test(arguments: [
        ("Netlink/a.swift", "internal import CNetlink\nlet a: OpaquePointer?"), ("JSON/a.swift", "import CJansson"),
        ("CNI/a.swift", "// Task { try! a } \nlet a = \"import Foundation, b! and await\""),
        ("CNI/a.swift", "if !a && b != c { d() }"), ("CNI/a.swift", "/// Says so.\npublic struct A {"),
        ("CNI/a.swift", "/// Says so.\n@discardableResult\npublic func a() {"),
        ("CNI/a.swift", "extension A: B {\n    public func a() {"), ("cnitool/a.swift", "import Foundation"),
        ("CNI/a.swift", "internal import CNI\ninternal import CNIPlugin"),
    ])
    func `good code is left alone`(path: String, text: String) {
        #expect(LayoutRules.complaints(LayoutRules.File(path: path, text: text + "\n")) == [])
    }
}
