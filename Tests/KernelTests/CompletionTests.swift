import TestSupport
import Testing

/// What bash offers for words of `cnitool`, with the script that the tool prints.
@Suite(.needsLab)
struct CompletionTests {
    @Test func `bash completes what there is`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        try scene.lab.write("", to: "site/index.html")
        let site = scene.lab.path("site")
        let rows: [(line: String, offers: [String])] = [
            ("network rm ", ["net1", "net2"]), ("network rm net1 ", ["net1", "net2"]),
            ("network inspect ", ["net1", "net2", "host", "none"]), ("network connect n", ["net1", "net2"]),
            ("network connect net2 ", ["web"]), ("network disconnect net1 w", ["web"]),
            ("run --network ", ["net1", "net2", "host", "none"]), ("run --network h", ["host"]),
            ("run --link ", ["web"]), ("run --network net1 -- mkfif", ["mkfifo"]), ("run -d mkfif", ["mkfifo"]),
            ("run -- cat \(site)/i", ["\(site)/index.html"]), ("exec ", ["web"]), ("exec web mkfif", ["mkfifo"]),
            ("exec web -- cat \(site)/i", ["\(site)/index.html"]), ("stop ", ["web"]), ("stop x", []),
            ("add ", ["net1", "net2"]), ("check net1", ["net1"]), ("del n", ["net1", "net2"]),
            ("gc n", ["net1", "net2"]), ("status net2", ["net2"]), ("version net2", ["net2"]),
            ("network create --driver ", ["bridge", "macvlan"]), ("network create --backend n", ["nftables"]),
            ("network create -o v", ["vlan="]), ("network create -d macvlan -o h", ["host-shim=true"]),
            ("network create -d macvlan --parent cni-n", ["cni-net1"]),
            ("network create --format ", ["plain", "json"]), ("ps --format j", ["json"]), ("netw", ["network"]),
        ]
        let script = """
            source <(cnitool --generate-completion-script bash)
            while IFS= read -r COMP_LINE; do
                COMP_LINE="cnitool $COMP_LINE" COMP_WORDS=($COMP_LINE) COMP_REPLY=()
                case $COMP_LINE in *' ') COMP_WORDS+=('') ;; esac
                COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
                _cnitool cnitool "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                echo "${COMPREPLY[*]}"
            done
            """
        try scene.lab.write(script, to: "complete.bash")
        try scene.lab.write(rows.map { $0.line + "\n" }.joined(), to: "lines")
        let outcome = try scene.shell("bash --norc \(scene.lab.path("complete.bash")) <\(scene.lab.path("lines"))")
        let offers = outcome.outputText.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(outcome.errorText == "")
        try #require(offers.count == rows.count + 1, "\(outcome)")
        for (row, found) in zip(rows, offers) {
            #expect(found == row.offers.joined(separator: " "), "\(row.line)")
        }
        // Nobody has to be anybody to be offered nothing.
        let stranger = try scene.shell(
            "CNITOOL_STATE=/nowhere NETCONFPATH=/nowhere bash --norc \(scene.lab.path("complete.bash")) <\(scene.lab.path("lines"))"
        )
        #expect(stranger.errorText == "")
    }

    @Test(arguments: ["zsh", "fish"]) func `there is a script for other shells`(shell: String) throws {
        let scene = try ContainerScene()
        #expect(try scene.succeed("--generate-completion-script", shell).contains("cnitool"))
    }
}
