import Checkpoints
import Foundation
import TestSupport
import Testing

// Tests that end their process need a compiler of 6.2.
#if compiler(>=6.2)
  /// What becomes of a process whose mapped file is shortened.
  @Suite struct FaultGuardTests {
    /// The message names the file, and the code is 74.
    @Test func namesTheFile() async throws {
      let result = try await #require(
        processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
      ) {
        FaultGuard.install(speaker: "[rank 1 node] ")
        FaultGuard.install(speaker: "peqa: ")
        let folder = try TemporaryFolder()
        let other = try MappedFile(path: folder.put("other", [1]))
        let file = try MappedFile(
          path: folder.put("base.safetensors", [UInt8](repeating: 1, count: 1 << 20)))
        #expect(truncate(file.path, 4096) == 0)
        var sum = 0
        for index in stride(from: 0, to: file.bytes.count, by: 4096) {
          sum += Int(file.bytes[index])
        }
        // Not reached; keeps both alive and the sum needed.
        print(sum, other.path, folder.path)
      }
      let text = String(decoding: result.standardErrorContent, as: UTF8.self)
      let line = text.split(separator: "\n").first { $0.contains("base.safetensors") } ?? ""
      #expect(line.hasPrefix("peqa: /"), "\(text)")
      #expect(line.contains("/base.safetensors: was shortened or cannot be read"), "\(text)")
    }

    /// Other faults end the process by the signal, as without a guard.
    @Test func leavesOtherFaultsAlone() async {
      await #expect(processExitsWith: .signal(SIGBUS)) {
        FaultGuard.install(speaker: "peqa: ")
        let folder = try TemporaryFolder()
        var mapped: MappedFile? = try MappedFile(
          path: folder.put("a", [UInt8](repeating: 1, count: 8192)))
        let (path, count) = (mapped?.path ?? "", mapped?.bytes.count ?? 0)
        mapped = nil
        let file = open(path, O_RDONLY)
        let address = try #require(mmap(nil, count, PROT_READ, MAP_SHARED, file, 0))
        #expect(truncate(path, 0) == 0)
        print(address.load(as: UInt8.self))
      }
    }

    /// A signal that another process sends has no address.
    @Test func leavesSentSignalsAlone() async {
      await #expect(processExitsWith: .signal(SIGBUS)) {
        FaultGuard.install(speaker: "peqa: ")
        raise(SIGBUS)
      }
    }
  }
#endif
