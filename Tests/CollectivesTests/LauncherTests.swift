import Collectives
import Testing

@Suite struct LauncherTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let environment: [String: String]
    let kind: Launcher.Kind
    let size: Int?
    let rank: Int
  }

  @Test(arguments: [
    Case(
      testDescription: "a shell", environment: ["PATH": "/bin"], kind: .none, size: nil, rank: 0),
    Case(
      testDescription: "mpirun",
      environment: ["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "PMIX_RANK": "3"],
      kind: .processManager, size: 4, rank: 3),
    Case(
      testDescription: "mpirun in a Slurm job of two nodes, whose daemons srun started",
      environment: [
        "OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_PROCID": "1", "SLURM_NTASKS": "8",
      ],
      kind: .processManager, size: 8, rank: 5),
    Case(
      testDescription: "a batch script without srun",
      environment: ["SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"],
      kind: .none, size: nil, rank: 0),
    Case(
      testDescription: "srun --mpi=pmix",
      environment: ["PMIX_RANK": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"],
      kind: .processManager, size: 2, rank: 1),
    Case(
      testDescription: "srun --mpi=none",
      environment: ["SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"],
      kind: .unmanagedTasks, size: 2, rank: 1),
    Case(
      testDescription: "srun of one task", environment: ["SLURM_STEP_NUM_TASKS": "1"],
      kind: .none, size: nil, rank: 0),
    Case(
      testDescription: "mpiexec of MPICH", environment: ["PMI_SIZE": "3", "PMI_RANK": "2"],
      kind: .processManager, size: 3, rank: 2),
    Case(
      testDescription: "mpirun of MVAPICH",
      environment: ["MV2_COMM_WORLD_SIZE": "3", "MV2_COMM_WORLD_RANK": "2"],
      kind: .processManager, size: 3, rank: 2),
    Case(
      testDescription: "nonsense", environment: ["OMPI_COMM_WORLD_SIZE": "many"],
      kind: .none, size: nil, rank: 0),
  ])
  func readsEnvironment(test: Case) {
    let launcher = Launcher(environment: test.environment)
    #expect(launcher.kind == test.kind)
    #expect(launcher.size == test.size)
    #expect(launcher.rank == test.rank)
  }

  /// A batch script that starts the program without a launcher leaves the rest of its job idle.
  @Test func idleTasksAreNoticed() {
    func idle(_ environment: [String: String]) -> Int? {
      Launcher(environment: environment).idleTasks
    }
    #expect(idle(["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]) == 4)
    #expect(idle(["SLURM_NTASKS": "1"]) == nil)
    #expect(idle(["SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"]) == nil)
    #expect(idle(["SLURM_NTASKS": "4", "OMPI_COMM_WORLD_SIZE": "4"]) == nil)
    #expect(idle([:]) == nil)
  }

  @Test(arguments: [
    ([:], false), (["SLURM_JOB_ID": ""], false), (["SLURM_JOB_ID": "7"], true),
    (["OMPI_COMM_WORLD_SIZE": "1"], true), (["PMIX_RANK": "0"], true),
    (["SLURM_STEP_NUM_TASKS": "2"], true),
  ])
  func whoKillsAfterTerm(environment: [String: String], soon: Bool) {
    #expect(Launcher(environment: environment).killsSoon == soon)
  }

  @Test func unmanagedTasksAreRefusedBeforeMPI() {
    let launcher = Launcher(environment: ["SLURM_STEP_NUM_TASKS": "2"])
    let error = #expect(throws: CommunicatorError.self) {
      try Communicator.start(launcher: launcher)
    }
    #expect(error == .noProcessManager(tasks: 2))
    #expect(error?.exitCode == 69)
  }

  @Test func aloneEveryCollectiveIsTheIdentity() throws {
    let alone = try Communicator.start(launcher: Launcher(environment: [:]))
    #expect((alone.rank, alone.size, alone.nodeCount) == (0, 1, 1))
    #expect((alone.nodeRank, alone.ranksOnNode) == (0, 1))
    #expect(alone.libraryVersion == nil)
    #expect(!alone.hostName.isEmpty)
    var values: [Int64] = [3, -4]
    try values.withUnsafeMutableBufferPointer { try alone.allReduceSum($0) }
    #expect(values == [3, -4])
    #expect(try alone.allReduceSum(7) == 7)
    #expect(try alone.allReduceMax(-1.5) == -1.5)
    #expect(try alone.allReduceMin(-1.5) == -1.5)
    #expect(try alone.allAgree(65) == 65)
    #expect(try alone.broadcast([1, 2]) == [1, 2])
    #expect(try alone.gather([1, 2]) == [[1, 2]])
    #expect(try alone.allGather([]) == [[]])
    try alone.barrier()
    try alone.finish()
    #expect(alone.traffic == Traffic())
  }
}
