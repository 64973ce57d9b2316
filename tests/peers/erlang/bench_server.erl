%% A counter; or, for `restart`, one that says that it is up and crashes when told to.
-module(bench_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init({up, Nurse}) -> Nurse ! {up, self()}, {ok, 0};
init(Count) -> {ok, Count}.

handle_call(bump, _From, Count) -> {reply, Count + 1, Count + 1};
handle_call(count, _From, Count) -> {reply, Count, Count}.

handle_cast(crash, _Count) -> error(crashed).
