%% The workloads in the usual style of Erlang: processes and `receive`, gen_server for calls, supervisor for restarts.
%% The sizes are those of bench/src/size.rs.
%%
%%   erl -noshell +S 2:2 +P 2000000 -run bench main WORKLOAD DIVISOR
-module(bench).
-behaviour(supervisor).
-export([main/0, main/1, init/1]).
-export([start_child/1]).
-export([counter/1]).

main() ->
    Names = [cast1, cast4, ask1, ask64, pingpong, ring1, ring100, fan, crowd, crowd1m, monitor, restart, selrecv,
             selrecv_guard, rcast, rask1, rask64, rbytes, rlarge],
    [io:format("~s~n", [Name]) || Name <- Names],
    halt(0).

main([Workload, Divisor]) ->
    try run(list_to_atom(Workload), list_to_integer(Divisor)) of
        Figures -> [print(Figure) || Figure <- Figures], halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "error: ~p: ~p ~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

run(cast1, D) -> cast(cast1, 5000000 div D, 1);
run(cast4, D) -> cast(cast4, 5000000 div D, 4);
run(ask1, D) -> ask(ask1, 1000000 div D, 1);
run(ask64, D) -> ask(ask64, 1280000 div D, 64);
run(pingpong, D) -> play(pingpong, 2, 2000000 div D, 1);
run(ring1, D) -> play(ring1, 1000, 1000000 div D, 1);
run(ring100, D) -> play(ring100, 1000, 1000000 div D, 100);
run(fan, D) -> fan(10000 div D, 100);
run(crowd, D) -> crowd("", 200000 div D);
run(crowd1m, D) -> crowd("1m", 1000000 div D);
run(monitor, D) -> monitor(50000 div D);
run(restart, D) -> restart(5000 div D);
run(selrecv, D) -> selrecv(selrecv, D);
run(selrecv_guard, D) -> selrecv(selrecv_guard, D);
run(rcast, D) -> remote_cast(rcast, 2000000 div D);
run(rask1, D) -> remote_ask(rask1, 1, 100000 div D);
run(rask64, D) -> remote_ask(rask64, 64, 400000 div D div 64);
run(rbytes, D) -> remote_bytes(1048576000, D);
run(rlarge, D) -> percentiles("rlarge", bench_remote:beside(3, 268435456, 20000 div D, self())).

%% Figures

now_ns() -> erlang:monotonic_time(nanosecond).

rate(Name, N, Begin, Verified) -> rate_of(Name, N, now_ns() - Begin, Verified).
rate_of(Name, N, Nanos, Verified) -> {Name, N, Verified, Nanos / 1.0e9, N * 1.0e9 / Nanos, "ops/s"}.
nanos(Name, N, Nanos, Verified) -> {Name, N, Verified, Nanos / 1.0e9, Nanos / N, "ns"}.
bytes(Name, N, Bytes) -> {Name, N, N, 0.0, Bytes / N, "bytes"}.

percentiles(Name, Times) ->
    Sorted = lists:sort(Times),
    N = length(Sorted),
    [{Name ++ "/" ++ Share, N, N, 0.0, float(lists:nth(1 + (N - 1) * Thousandth div 1000, Sorted)), "ns"}
     || {Share, Thousandth} <- [{"p50", 500}, {"p99", 990}, {"p99.9", 999}, {"max", 1000}]].

print({Name, N, N, Seconds, Value, Unit}) ->
    io:format("{\"system\":\"erlang\",\"workload\":\"~s\",\"threads\":~b,\"n\":~b,\"verified\":~b,"
              "\"seconds\":~.6f,\"value\":~.1f,\"unit\":\"~s\"}~n",
              [Name, erlang:system_info(schedulers_online), N, N, Seconds, Value, Unit]);
print({Name, N, Verified, _, _, _}) ->
    io:format(standard_error, "error: ~s: expected ~b operations, counted ~b~n", [Name, N, Verified]),
    halt(1).

resident() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(Statm, " "),
    binary_to_integer(Pages) * 4096.

%% Casts

counter(Count) ->
    receive
        {add, N} -> counter(Count + N);
        {count, From} -> From ! {count, Count}
    end.

cast(Name, N, Producers) ->
    Share = N div Producers,
    Counter = spawn(fun() -> counter(0) end),
    Main = self(),
    Begin = now_ns(),
    Senders = [spawn(fun() -> add(Counter, Share), Main ! {done, self()} end) || _ <- lists:seq(1, Producers)],
    [receive {done, Sender} -> ok end || Sender <- Senders],
    Counter ! {count, self()},
    Count = receive {count, C} -> C end,
    [rate(Name, Share * Producers, Begin, Count)].

add(_, 0) -> ok;
add(Counter, N) -> Counter ! {add, 1}, add(Counter, N - 1).

%% Calls: a gen_server

ask(Name, N, Callers) ->
    Share = N div Callers,
    {ok, Server} = gen_server:start(bench_server, 0, []),
    Main = self(),
    Begin = now_ns(),
    Asking = [spawn(fun() -> bump(Server, Share), Main ! {done, self()} end) || _ <- lists:seq(1, Callers)],
    [receive {done, Caller} -> ok end || Caller <- Asking],
    Nanos = now_ns() - Begin,
    [rate_of(Name, Share * Callers, Nanos, gen_server:call(Server, count))].

bump(_, 0) -> ok;
bump(Server, N) -> gen_server:call(Server, bump), bump(Server, N - 1).

%% Players

player(Hits) ->
    receive
        {meet, Next, Referee} -> player(Next, Referee, Hits)
    end.

player(Next, Referee, Hits) ->
    receive
        {hit, 0} -> Referee ! over, player(Next, Referee, Hits + 1);
        {hit, Left} -> Next ! {hit, Left - 1}, player(Next, Referee, Hits + 1);
        {hits, From} -> From ! {hits, Hits}
    end.

play(Name, Size, N, Balls) ->
    Share = N div Balls,
    Players = [spawn(fun() -> player(0) end) || _ <- lists:seq(1, Size)],
    lists:zipwith(fun(Player, Next) -> Player ! {meet, Next, self()} end, Players, tl(Players) ++ [hd(Players)]),
    First = [lists:nth(Ball * Size div Balls + 1, Players) || Ball <- lists:seq(0, Balls - 1)],
    Begin = now_ns(),
    [Player ! {hit, Share - 1} || Player <- First],
    [receive over -> ok end || _ <- First],
    Nanos = now_ns() - Begin,
    Hits = lists:sum([begin Player ! {hits, self()}, receive {hits, H} -> H end end || Player <- Players]),
    [rate_of(Name, Share * Balls, Nanos, Hits)].

%% Many workers, one referee

worker(Referee) ->
    receive {work, N} -> Referee ! {over, N}, worker(Referee) end.

referee(Over, All, From) when Over =:= All -> From ! {all, Over};
referee(Over, All, From) -> receive {over, N} -> referee(Over + N, All, From) end.

fan(Actors, Rounds) ->
    Main = self(),
    Referee = spawn(fun() -> referee(0, Actors * Rounds, Main) end),
    Workers = [spawn(fun() -> worker(Referee) end) || _ <- lists:seq(1, Actors)],
    Begin = now_ns(),
    spawn(fun() -> [[Worker ! {work, 1} || Worker <- Workers] || _ <- lists:seq(1, Rounds)] end),
    Answered = receive {all, N} -> N end,
    [rate(fan, Actors * Rounds, Begin, Answered)].

%% Crowds. The last process to start notifies the main process.

idler(Arrived, N, Main) ->
    case atomics:add_get(Arrived, 1, 1) of
        N -> Main ! all_in;
        _ -> ok
    end,
    receive stop -> ok end.

crowd(Suffix, N) ->
    {Arrived, Main} = {atomics:new(1, []), self()},
    erlang:garbage_collect(),
    Before = resident(),
    Begin = now_ns(),
    Idlers = spawn_idlers(N, fun() -> idler(Arrived, N, Main) end, []),
    receive all_in -> ok end,
    Spawn = rate("spawn" ++ Suffix, N, Begin, atomics:get(Arrived, 1)),
    Memory = bytes("memory" ++ Suffix, N, resident() - Before),
    Begin2 = now_ns(),
    [exit(Idler, shutdown) || Idler <- Idlers],
    wait_gone(lists:reverse(Idlers)),
    Left = N - length([alive || Idler <- Idlers, is_process_alive(Idler)]),
    [Spawn, Memory, rate("stop" ++ Suffix, N, Begin2, Left)].

spawn_idlers(0, _, Idlers) -> Idlers;
spawn_idlers(N, Fun, Idlers) -> spawn_idlers(N - 1, Fun, [spawn(Fun) | Idlers]).

%% A process answers `is_process_alive` after it has handled earlier signals.
wait_gone(Idlers) -> [false = is_process_alive(Idler) || Idler <- Idlers].

monitor(N) ->
    {Arrived, Main} = {atomics:new(1, []), self()},
    Idlers = spawn_idlers(N, fun() -> idler(Arrived, N, Main) end, []),
    receive all_in -> ok end,
    Watcher = spawn(fun() ->
        [erlang:monitor(process, Idler) || Idler <- Idlers],
        Main ! watching,
        receive stop -> ok end,
        [exit(Idler, shutdown) || Idler <- Idlers],
        Main ! {downs, downs(N, 0)}
    end),
    receive watching -> ok end,
    Begin = now_ns(),
    Watcher ! stop,
    Downs = receive {downs, D} -> D end,
    [rate(monitor, N, Begin, Downs)].

downs(0, Downs) -> Downs;
downs(N, Downs) -> receive {'DOWN', _, process, _, _} -> downs(N - 1, Downs + 1) end.

%% A supervised child

init(Driver) ->
    Child = #{id => child, start => {bench, start_child, [Driver]}},
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1}, [Child]}}.

start_child(Driver) -> gen_server:start_link(bench_server, {up, Driver}, []).

restart(N) ->
    logger:set_primary_config(level, none),
    {ok, _} = supervisor:start_link(bench, self()),
    First = receive {up, P} -> P end,
    Begin = now_ns(),
    Ups = crash(N, First, 0),
    [nanos(restart, N, now_ns() - Begin, Ups)].

crash(0, _, Ups) -> Ups;
crash(N, Child, Ups) ->
    gen_server:cast(Child, crash),
    receive {up, Next} -> crash(N - 1, Next, Ups + 1) end.

%% A conversation while other messages wait

selrecv(Name, D) ->
    lists:append([converse(Name, Junk, max(100, rounds(Junk) div D)) || Junk <- [0, 1000, 10000, 100000]]).

rounds(Junk) when Junk =< 1000 -> 50000;
rounds(Junk) when Junk =< 10000 -> 5000;
rounds(_) -> 500.

converse(Name, Junk, Rounds) ->
    Partner = spawn(fun partner/0),
    Main = self(),
    Reader = spawn(fun() ->
        receive begin_talk -> ok end,
        1 = talk(Name, Partner, 1, 0),
        Begin = now_ns(),
        Answers = talk(Name, Partner, Rounds, 0),
        Main ! {talked, now_ns() - Begin, Answers}
    end),
    fill(Name, Reader, Junk),
    Reader ! begin_talk,
    receive
        {talked, Nanos, Answers} ->
            [nanos(atom_to_list(Name) ++ "/" ++ integer_to_list(Junk), Rounds, Nanos, Answers)]
    end.

fill(_, _, 0) -> ok;
fill(selrecv, Reader, N) -> Reader ! {junk, N}, fill(selrecv, Reader, N - 1);
fill(selrecv_guard, Reader, N) -> Reader ! {answer, -N}, fill(selrecv_guard, Reader, N - 1).

partner() ->
    receive {say, N, From} -> From ! {answer, N}, partner() end.

talk(_, _, 0, Answers) -> Answers;
talk(selrecv, Partner, N, Answers) ->
    Partner ! {say, N, self()},
    receive {answer, _} -> talk(selrecv, Partner, N - 1, Answers + 1) end;
talk(selrecv_guard, Partner, N, Answers) ->
    Partner ! {say, N, self()},
    receive {answer, M} when M =:= N -> talk(selrecv_guard, Partner, N - 1, Answers + 1) end.

%% Two nodes

remote_cast(Name, N) ->
    {Nanos, Count} = bench_remote:cast(N, self()),
    [rate_of(Name, N, Nanos, Count)].

remote_ask(Name, Callers, Share) ->
    {Nanos, Count} = bench_remote:ask(Callers, Share, self()),
    N = Callers * Share,
    [rate_of(Name, N, Nanos, Count) | [nanos(atom_to_list(Name) ++ "_time", N, Nanos, Count) || Callers =:= 1]].

remote_bytes(All, D) ->
    Sizes = [65536, 1048576, 10485760, 104857600],
    Loads = bench_remote:load([{Bytes, max(1, All div Bytes div D)} || Bytes <- Sizes], self()),
    [begin
         N = Bytes * Count,
         {io_lib:format("rbytes/~b", [Bytes]), N, Stored, Nanos / 1.0e9, N * 1.0e9 / Nanos, "B/s"}
     end || {Bytes, Count, Nanos, Stored} <- Loads].
