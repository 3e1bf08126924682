import Foundation
import JSON
import TestSupport
import Testing

/// What programs read of `cnitool`, and what people read who type what they know from other tools.
@Suite struct NetworkFormatTests {
    private func document(_ outcome: Subprocess.Outcome) throws -> JSONField {
        #expect(outcome.errorText == "")
        return JSONField(try JSONValue(parsing: outcome.output))
    }

    @Test func `networks that are created are objects with what is in their files`() throws {
        let place = try NetworkToolTests.Workplace()
        let dry = try place.run("create", "--format", "json", "--dry-run", "one", "two")
        #expect(place.files == [])
        let made = try document(try place.run("create", "--format", "json", "one", "two"))
        #expect(try made.value == document(dry).value)
        for (name, network) in zip(["one", "two"], try made.elements()) {
            let file = "net.d/\(name).conflist"
            #expect(try network["name"].string() == name)
            #expect(try network["file"].string() == "\(place.folder.path)/\(file)")
            let text = try place.folder.text(of: file)
            #expect(try network["configuration"].value == JSONValue(parsing: Array(text.utf8)))
        }
    }

    @Test func `names are an array, or one a line`() throws {
        let place = try NetworkToolTests.Workplace()
        let cache = ["--cache", "\(place.folder.path)/results"]
        for network in ["one", "two"] {
            try place.folder.write(
                #"{"cniVersion": "1.0.0", "name": "\#(network)", "plugins": [{"type": "macvlan"}]}"#,
                to: "net.d/\(network).conflist")
        }
        #expect(try place.run(["ls", "-q"] + cache).outputText == "host\nnone\none\ntwo\n")
        #expect(try document(place.run(["prune", "-f", "--format", "json"] + cache)).value == ["one", "two"])
        #expect(try document(place.run(["prune", "-f", "--format", "json"] + cache)).value == [])
        let failed = try place.run(["rm", "--format", "json", "three"] + cache)
        #expect(failed.ending == .exited(status: 1) && failed.outputText == "[]\n", "\(failed)")
        #expect(try document(place.run(["inspect", "--format", "json", "none"] + cache)).elements().count == 1)
    }

    @Test func `networks are listed where attachments cannot be counted`() throws {
        let place = try NetworkToolTests.Workplace()
        #expect(try place.run("create", "--subnet", "198.18.0.0/16", "web").isSuccess)
        let outcome = try place.run("ls", "--cache", "\(place.folder.path)/net.d/web.conflist")
        #expect(outcome.isSuccess && outcome.errorText.hasPrefix("warning: attachments cannot be counted: "))
        #expect(outcome.outputText.contains("web   bridge    198.18.0.0/16  ?            "), "\(outcome)")
    }

    @Test(arguments: [
        ("-e", "\"env KEY=VALUE\""), ("--volume=/a:/b", "files are the host's"), ("--net", "it is --network"),
    ])
    func `an option of other tools is told what it is here`(option: String, remedy: String) throws {
        for command in [["run"], ["exec", "web"]] {
            let outcome = try Subprocess.run(
                Executables.path(of: "cnitool"), command + [option, "x", "true"], environment: [:])
            #expect(outcome.ending == .exited(status: 64))
            #expect(outcome.errorText.hasPrefix("Error: unknown option '\(option)'; "), "\(outcome)")
            #expect(outcome.errorText.contains(remedy))
        }
    }

    @Test(arguments: [
        ("rm", "\"cnitool network rm\""), ("ls", "\"cnitool ps\""), ("kill", "\"cnitool stop --time 0\""),
    ])
    func `a command of other tools is told what it is here`(word: String, remedy: String) throws {
        let outcome = try Subprocess.run(Executables.path(of: "cnitool"), [word, "web"], environment: [:])
        #expect(outcome.ending == .exited(status: 64))
        #expect(outcome.errorText.hasPrefix("Error: there is no command \(word): "))
        #expect(outcome.errorText.contains(remedy))
    }
}
