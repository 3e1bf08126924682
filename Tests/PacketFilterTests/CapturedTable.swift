import Foundation
import JSON
import NetworkAddress
import TestSupport
import Testing

@testable import PacketFilter

/// A table as a kernel handed it out after iptables-legacy had filled it, from `testdata/packet-filter/legacy-tables.json`.
struct CapturedTable: Sendable, CustomTestStringConvertible {
    let family: AddressFamily
    let table: IPTablesTable
    let information: LegacyTableInformation
    let entries: [UInt8]
    /// What iptables-legacy-save printed, without `-A `.
    let rules: [String]

    var testDescription: String { "table \(table) of IPv\(family.rawValue)" }

    static let all: [CapturedTable] = {
        do {
            let data = try Repository.testData("packet-filter/legacy-tables.json")
            return try JSONField(try JSONValue(parsing: Array(data))).elements().map { row in
                CapturedTable(
                    family: try row["family"].integer(in: 4...UInt8(6)) == 4 ? .ipv4 : .ipv6,
                    table: try row["table"].string().flatMap(IPTablesTable.init) ?? .nat,
                    information: LegacyTableInformation(bytes(try row["information"].string() ?? "")),
                    entries: bytes(try row["entries"].string() ?? ""),
                    rules: try row["rules"].elements().compactMap { try $0.string() }.map {
                        // iptables knows names of protocols from a file of the host; we say the number.
                        $0.dropFirst(3).replacing(" -p gre ", with: " -p 47 ").description
                    })
            }
        } catch {
            fatalError("legacy-tables.json: \(error)")
        }
    }()

    func read() throws -> LegacyTable { try LegacyTable(family, table, information, entries: entries) }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
