import CNI
import Foundation
import JSON
import TestSupport

/// A network of any plugins, in a lab, called as a runtime calls a chain.
struct ChainNetwork {
    let lab: Lab
    /// The configurations of the plugins but for `cniVersion`, `name` and `prevResult`: JSON members.
    let plugins: [(type: String, members: String)]
    /// PATH of the plugins.
    var path = "/usr/sbin:/usr/bin:/sbin:/bin"
    var name = "chain"

    /// A call of one plugin of the chain, which something happens to.
    struct Step: Equatable {
        let plugin: Int
        /// What runs the plugin.
        let prefix: [String]
    }

    private func configuration(_ number: Int, _ prevResult: String?, _ members: String) -> String {
        var parts = [#""cniVersion": "1.1.0", "name": "\#(name)", "type": "\#(plugins[number].type)""#]
        for part in [plugins[number].members, members] where !part.isEmpty { parts.append(part) }
        if let prevResult { parts.append(#""prevResult": "# + prevResult) }
        return "{" + parts.joined(separator: ", ") + "}"
    }

    /// Calls the plugins until one fails; DEL in reverse order and all of them. The answers, as far as there are any.
    ///
    /// - Parameters:
    ///   - sandbox: CNI_NETNS; empty leaves it out.
    ///   - prevResult: what ADD answered, for CHECK and DEL.
    ///   - timeout: seconds for each plugin.
    func call(
        _ command: String, sandbox: String, containerID: String = "container-1", members: String = "",
        prevResult given: String? = nil, step: Step? = nil, timeout: Double = 30
    ) throws -> [Lab.Answer] {
        var answers: [Lab.Answer] = []
        var prevResult = command == "ADD" ? nil : given
        for number in command == "DEL" ? Array(plugins.indices.reversed()) : Array(plugins.indices) {
            let answer = try lab.call(
                plugins[number].type, command, configuration(number, prevResult, members), sandbox: sandbox,
                containerID: containerID, variables: ["PATH": path, "CNI_NETNS": sandbox],
                prefix: step?.plugin == number ? step?.prefix ?? [] : [], timeout: timeout)
            answers.append(answer)
            if !answer.isSuccess && command != "DEL" { break }
            if command == "ADD" { prevResult = answer.outcome.outputText }
        }
        return answers
    }
}
