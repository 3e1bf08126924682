internal import ArgumentParser
internal import CNIRuntime

/// Where the tool remembers its attachments.
struct CacheOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the result cache.", valueName: "folder"), completion: .directory)
    var cache = ResultCache.defaultPath
}
