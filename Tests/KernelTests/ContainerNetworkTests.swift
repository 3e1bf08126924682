import Foundation
import JSON
import TestSupport
import Testing

/// Containers beside what else is done about networks and names.
@Suite(.needsLab)
struct ContainerNetworkTests {
    @Test func `a container that runs is connected and disconnected, and everybody knows`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        try scene.start("db", "--network", "net2")
        #expect(try scene.hosts("db").count == 1)
        try scene.succeed("network", "connect", "--ip", "172.19.0.50", "--alias", "shop", "net2", "web")
        let web = try scene.record("web")["id"].string()?.prefix(12) ?? ""
        #expect(try scene.hosts("db").last == "172.19.0.50 web \(web) shop")
        #expect(try scene.hosts("web").contains { $0.hasPrefix("172.19.0.2 db ") })
        #expect(try scene.pings("db", "shop"))
        #expect(try scene.pings("web", "db"))
        #expect(try scene.inside("web", "ls /sys/class/net") == "eth0\neth1\nlo")
        let again = try scene.tool("network", "connect", "net2", "web")
        #expect(again.errorText.hasPrefix("Error: container web is on network \"net2\" already: "), "\(again)")

        try scene.succeed("network", "disconnect", "net2", "web")
        #expect(try scene.hosts("db").count == 1)
        #expect(try !scene.pings("db", "172.19.0.50"))
        #expect(try scene.inside("web", "ls /sys/class/net") == "eth0\nlo")
        let absent = try scene.tool("network", "disconnect", "net2", "web")
        #expect(absent.errorText == "Error: container web is not on network \"net2\": it is on net1\n")
        #expect(try scene.tool("network", "disconnect", "-f", "net2", "web").isSuccess)
        try scene.succeed("network", "disconnect", "net1", "web")
        #expect(try scene.inside("web", "ls /sys/class/net") == "lo")
        try scene.succeed("network", "connect", "net1", "web")
        #expect(try scene.inside("web", "ls /sys/class/net") == "eth0\nlo")
    }

    @Test func `a connection that fails, or whose cnitool is killed, leaves the container as it was`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1", "-p", "8080:80")
        try scene.start("other", "--network", "net2", "-p", "8081:80")
        let before = try scene.remains()
        let hosts = try scene.hosts("other")
        let used = try scene.tool("network", "connect", "--ip", "172.19.0.2", "net2", "web")
        #expect(used.ending == .exited(status: 1), "\(used)")
        #expect(try scene.remains() == before)
        try scene.lab.write(
            """
            #!/bin/sh
            [ "$CNI_COMMAND" = ADD ] && [ -e \(scene.lab.path("kill")) ] && kill -9 $(sed -n 's/^PPid:\\t//p' /proc/$$/status)
            exec \(Executables.path(of: "portmap"))
            """, to: "plugins/portmap", executable: true)
        // The record says where the plugins were found when the container was made.
        #expect(
            try scene.shell(
                "CNI_PATH=\(scene.lab.path("plugins")):\(Executables.folder) cnitool run -d --network net1 --name victim -p 8082:80 \(scene.cache.joined(separator: " ")) -- sleep 300"
            ).isSuccess)
        let with = try scene.remains()
        try scene.lab.write("", to: "kill")
        let killed = try scene.shell("cnitool network connect net2 victim; echo $?")
        #expect(killed.outputText == "137\n", "\(killed)")
        #expect(try scene.containers().count == 3)
        #expect(try scene.remains() == with)
        #expect(try scene.inside("victim", "ls /sys/class/net") == "eth0\nlo")
        #expect(try scene.hosts("other") == hosts)
    }

    @Test func `a network that a container uses goes only with force, and the container lives on`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1", "--network", "net2")
        let cache = scene.cache
        #expect(
            try scene.tool(["network", "ls"] + cache).outputText.contains(
                "net1  bridge    172.18.0.0/16,fd00:18::/64  1"))
        let refused = try scene.tool(["network", "rm"] + cache + ["net2"])
        #expect(
            refused.errorText
                == "Error: network \"net2\" is in use by eth1 of container web: detach with \"cnitool network disconnect\", or use -f, which detaches all\n"
        )
        let text = try scene.tool(["network", "inspect"] + cache + ["net2"]).output
        let network = try #require(try JSONField(try JSONValue(parsing: text)).elements().first)
        #expect(try network["attachments"].elements().first?["containerName"].value == "web")
        #expect(try scene.tool(["network", "prune", "-f"] + cache).outputText == "")
        #expect(try scene.tool(["network", "rm", "-f"] + cache + ["net2"]).isSuccess)
        #expect(try scene.inside("web", "ls /sys/class/net") == "eth0\nlo")
        #expect(try scene.containers()[0]["networks"].elements().count == 1)
        try scene.succeed("stop", "web")
        #expect(try scene.remains() == [])
    }

    @Test func `a network whose file is gone is detached as it was attached`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        try FileManager.default.removeItem(atPath: scene.lab.path("net.d/net1.conflist"))
        try scene.succeed("stop", "web")
        #expect(try scene.remains() == [])
    }

    @Test(arguments: [
        ("--name web", "container ID has the name \"web\": choose another one, or end it with \"cnitool stop web\""),
        ("--link nobody", "no container \"nobody\" is running: \"cnitool ps\" shows those that are"),
        (
            "--network net2 --link web",
            "--link web: the container shares no network with this one: add --network for one of net1"
        ),
        (
            "--network net1 --ip 172.19.0.9",
            "--ip 172.19.0.9 is in none of 172.18.0.0/16 of net1, fd00:18::/64 of net1: choose an address of these"
        ),
    ])
    func `what cannot be is refused before anything is made`(options: String, message: String) throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        let before = try scene.remains()
        let words = options.split(separator: " ").map(String.init)
        let network = words.contains("--network") ? [] : ["--network", "net1"]
        let outcome = try scene.tool(["run"] + network + scene.cache + words + ["--", "touch", scene.lab.path("made")])
        #expect(outcome.ending == .exited(status: 125))
        let id = try scene.record("web")["id"].string()?.prefix(12) ?? ""
        #expect(outcome.errorText == "Error: \(message.replacing("ID", with: id))\n")
        #expect(try scene.remains() == before)
        #expect(!FileManager.default.fileExists(atPath: scene.lab.path("made")))
    }

    @Test func `nothing that a container mounts is seen outside, and what others unmount it lets go`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("first", "--network", "net1")
        let first = try scene.record("first")["id"].string()?.prefix(12) ?? ""
        let hosts = try #require(try? String(contentsOfFile: "/etc/hosts", encoding: .utf8))
        try scene.start("second", "--network", "net1")
        let second = String(try scene.number("second", "process"))
        let seen = try MountTable.lines(of: second)
        #expect(seen.contains { $0.contains(" /etc/hosts ") }, "\(seen.joined(separator: "\n"))")
        #expect(try MountTable.lines(of: second).contains { $0.contains("/run/netns/cnitool-\(first) ") })
        #expect(
            try !MountTable.lines().contains {
                $0.contains(" /etc/hosts ") || $0.contains(" - sysfs sysfs ") && $0.contains(" /sys/")
            })
        #expect(try String(contentsOfFile: "/etc/hosts", encoding: .utf8) == hosts)
        try scene.succeed("stop", "first")
        #expect(try !MountTable.lines(of: second).contains { $0.contains("/run/netns/cnitool-\(first) ") })
    }

    @Test func `exec has the exit status of its command, and ip netns finds the sandbox`() throws {
        let scene = try ContainerScene.withNetworks()
        try scene.start("web", "--network", "net1")
        #expect(try scene.tool("exec", "web", "sh", "-c", "exit 9").ending == .exited(status: 9))
        #expect(try scene.tool("exec", "web", "--", "no-such-command").ending == .exited(status: 127))
        #expect(try scene.tool("exec", "web", "/etc/passwd").ending == .exited(status: 126))
        #expect(try scene.tool("exec", "nobody", "true").ending == .exited(status: 125))
        let id = try #require(try scene.record("web")["id"].string())
        #expect(try scene.tool("exec", String(id.prefix(4)), "true").isSuccess)
        #expect(try scene.tool("exec", id, "pwd").outputText == scene.shell("pwd").outputText)
        let address = try scene.shell("ip -n cnitool-\(id.prefix(12)) -br -4 address show eth0").outputText
        #expect(address.contains(" 172.18.0.2/16"))
    }
}
