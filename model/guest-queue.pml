/*
 * The queue of one guest, with three operations. They are accepted in the order of their numbers; two of them are words on one port.
 * One step is one thing that Temporal or z/VM records as a whole. Between any two steps anything else may happen.
 * README.md says how the model maps to the code, and lists the switches.
 */

#define N 3
#define PORTS 2
#define NOBODY 7

/* Sets of operations are bit masks. */
#define BIT(i) (1 << (i))
#define HAS(set, i) ((set) & BIT(i))
#define ADD(set, i) set = (set) | BIT(i)
#define DROP(set, i) set = (set) & ~BIT(i)
#define EARLIER(i) (BIT(i) - 1)
#define FIRST(set) (((set) & 1) -> 0 : (((set) & 2) -> 1 : 2))

/* How many troubles there may be in all: an operation is cancelled or terminated, a run is terminated, a worker dies, z/VM refuses, … */
#ifndef TROUBLES
#define TROUBLES 2
#endif

/* For traces only: troubles wait until the guest run is busy. */
#ifndef LATE
#define LATE 0
#endif

/* How eventual the list of open operations is: 0 not at all, 1 it lags but shows them in order, 2 it lags. */
#ifndef LAG
#define LAG 0
#endif
/* Whether the waiting for earlier operations may be given up. */
#ifndef BOUND
#define BOUND 0
#endif
/* Whether a guest without a run may be lent to a window of a bulk operation. */
#ifndef LOANS
#define LOANS 0
#endif

/* The rule that the model lacks: SPIN has to find what it is for. */
#ifndef WITHOUT
#define WITHOUT 0
#endif
#define LACKS(rule) (WITHOUT == rule)
#define ORDER 1
#define WAIT_FOR_EARLIER 2
#define BELIEF 3
#define WORDS 4
#define EARLIER_RUNS 5
#define RUNS_NOT_OPERATIONS 6
#define LOOK_BEFORE 7
#define LOOK_WHILE 8
#define NOTICE 9
#define NOTICE_ANSWERS 10
#define IDS 11
#define REFUSED_CLOSE 12
#define AWAITED_ANSWERS 13
#define CARRIED_QUEUE 14
#define CARRIED_WORDS 15
#define CARRIED_IDS 16
#define ONE_WRITE 17
#define OWN_BEFORE 18
#define WITHDRAW 19
#define PATIENT_WITHDRAW 20
#define WITHDRAW_AGAIN 21
#define ENDED_UNLISTED 22
#define LOOK_FROM_INSIDE 23
#define WAIT_FOR_WINDOW 24
#define TURN 25

/* The invariants by name: pan's message ends with the name, since the value is never read by anything else. */
#define MUST(condition, invariant) assert((condition) || invariant)
bit oneWriter, nothingForOneThatIsGone, nothingTwice, orderOnPort, orderOfAcceptance, lastWordStands, toldTheTruth;

/* How an operation ends. */
#define NOTHING 0
#define DONE 1
#define CANCELLED 2
#define OVERTAKEN 3  /* refused: a later word on its port has been carried out */
#define LOST 4       /* failed: somebody terminated the guest's run while it was in progress */
#define TERMINATED 5

/* The guest run, by what it does. */
#define CLOSED 0
#define READY 1    /* the next request can be picked */
#define LOOKING 2  /* the activity that reads Temporal's list */
#define DECIDING 3
#define WAITING 4  /* for operations that were accepted earlier */
#define BEGUN 5    /* a write can start */
#define WRITING 6  /* the activity that changes z/VM */
#define PAUSED 7   /* z/VM refuses transiently */
#define CHECKING 8 /* z/VM is read again */
#define CLOSING 9

/* Operations as Temporal's server has them, and messages that have reached them. */
byte acceptedCount, open, cancelled, withdrawSent, enqueued;
byte portOf[N], outcome[N], answerTo[N];
byte askedBefore;  /* told that the guest had no run yet, before it enqueued */
byte lostNotBegun; /* told that the run was lost before it began the request */

/* The list of open operations. */
byte listed, everListed;

/* The guest run. Its inboxes hold the signals that it has not seen. */
byte phase = CLOSED;
byte inbox, withdrawals;
byte queue, withdrawn, answered;
byte answer[N], undelivered;
byte current = NOBODY;
byte seen, goal, before;
byte words[PORTS]; /* the last word carried out on the port, plus 1 */

/* The request in progress is lent: a window takes its steps, and the run takes none. */
bool lent;
/* A request whose run was terminated while a window was at work on it, until the window stops; and the step at which it is. */
byte orphan = NOBODY;
byte orphanPhase;

/* Left by a run that was terminated, until a worker has told the operations. `tellAnswer` has the answers in a window's result, too. */
byte tellNotBegun, tellBegun, tellAnswer;

/* z/VM: the word that each port has, plus 1; a write that is under way; true when its worker may be dead before z/VM was asked. */
byte zvm[PORTS];
bool writeUnderWay, writeMayVanish;
byte writePort, writeValue;

/* For the assertions only. */
byte everBegun, everDone, everLost;

byte troublesLeft = TROUBLES;

#define TROUBLE (troublesLeft && (!LATE || phase >= WAITING))
#define PORT portOf[current]
#define AT(step) (!lent && phase == step)
#define BORROWED(step) (lent && phase == step)
/* Nothing is read before a write is over whose end nobody has heard; and a window that is at work on the guest has its turn. */
#define FREE ((!writeUnderWay || LACKS(ONE_WRITE)) && (orphan == NOBODY || LACKS(TURN)))
/* Later runs know of a word, unless its run was terminated while a window carried it out. */
#define IS_DONE(i) (HAS(everDone, i) && !HAS(everLost, i))
#define IN_PROGRESS (phase >= BEGUN && phase <= CHECKING)
#define MISSING (seen & EARLIER(current) & ~(queue | answered))
#define SAME_PORT(i) (portOf[i] == PORT)
#define LATER_DONE(i) (i > current && SAME_PORT(i) && IS_DONE(i))
#define LATER_ENDED(i) (i > current && SAME_PORT(i) && outcome[i] == DONE)

/* ------------------------------------------------------------ operations */

/* Signal-with-start: one step of the server. */
inline enqueue(i) {
  ADD(enqueued, i);
  ADD(inbox, i);
  if
  :: phase == CLOSED ->
    phase = READY;
    if
    :: HAS(askedBefore, i) -> words[0] = 0; words[1] = 0; answered = 0
    :: else
    fi
  :: else
  fi
}

/* The run is started with the request, and sleeps. */
inline lend(i) {
  printf("seen: lend %d\n", i);
  ADD(queue, i);
  current = i;
  lent = true;
  phase = LOOKING
}

/* A signal; it is lost where no run is open. */
inline withdraw(i) {
  ADD(withdrawSent, i);
  if
  :: phase != CLOSED -> ADD(withdrawals, i)
  :: else
  fi
}

inline endOperation(i, how) {
  DROP(open, i);
  outcome[i] = how;
  answerTo[i] = NOTHING;
  DROP(lostNotBegun, i);
  DROP(cancelled, i);
  DROP(withdrawSent, i);
  if
  :: LAG == 0 -> DROP(listed, i)
  :: else
  fi;
  printf("seen: ended %d %d\n", i, outcome[i])
}

#define ASKS_AGAIN(i) (HAS(lostNotBegun, i) && answerTo[i] == NOTHING && orphan != i && !HAS(tellAnswer, i))

proctype Operation(byte i) {
  d_step {
    acceptedCount == i -> acceptedCount++;
    ADD(open, i);
    if
    :: LAG == 0 -> ADD(listed, i); ADD(everListed, i)
    :: else
    fi;
    printf("move: accept %d while %d %d\n", i, phase, current)
  }
  /* The first workflow task. An operation that was cancelled before it asks nothing of the guest. */
  do
  :: d_step { HAS(open, i) && !HAS(cancelled, i) -> printf("move: arrive %d while %d %d\n", i, phase, current); enqueue(i) } -> break
  :: d_step { LOANS && phase == CLOSED && HAS(open, i) && !HAS(cancelled, i) -> lend(i) } -> break
  :: d_step { HAS(open, i) && HAS(cancelled, i) -> endOperation(i, CANCELLED) } -> break
  :: !HAS(open, i) -> break
  :: d_step { LACKS(LOOK_FROM_INSIDE) && phase == CLOSED && !everBegun && !HAS(askedBefore, i) -> ADD(askedBefore, i) }
  od;
  do
  :: d_step { HAS(open, i) && answerTo[i] != NOTHING -> endOperation(i, answerTo[i]) }
  :: d_step { HAS(cancelled, i) && !HAS(withdrawSent, i) && answerTo[i] == NOTHING ->
      if
      :: LACKS(WITHDRAW) || (LACKS(PATIENT_WITHDRAW) && phase == CLOSED) -> endOperation(i, CANCELLED)
      :: else -> withdraw(i)
      fi
    }
  /* An operation hears of the lost run when its window has ended. */
  :: d_step { LOANS && phase == CLOSED && ASKS_AGAIN(i) && !HAS(cancelled, i) -> DROP(lostNotBegun, i); lend(i) }
  :: d_step { ASKS_AGAIN(i) ->
      DROP(lostNotBegun, i);
      if
      :: LACKS(WITHDRAW_AGAIN) && HAS(cancelled, i) -> endOperation(i, CANCELLED)
      :: else ->
        enqueue(i);
        if
        :: HAS(withdrawSent, i) -> withdraw(i)
        :: else
        fi
      fi
    }
  :: !HAS(open, i) -> break
  od
}

/* ------------------------------------------------------------ the guest run */

inline finish(i, how) {
  DROP(queue, i);
  DROP(withdrawn, i);
  ADD(answered, i);
  answer[i] = how;
  ADD(undelivered, i)
}

/* Pick anew. */
inline pickAgain() {
  current = NOBODY;
  seen = 0;
  goal = 0;
  before = 0;
  phase = READY
}

/* A lent guest is given back: its run carries the request out by itself. */
inline untouched() {
  DROP(queue, current);
  ADD(inbox, current);
  lent = false;
  pickAgain()
}

inline leaveQueue(i) {
  if
  :: HAS(withdrawn, i) && !(IN_PROGRESS && current == i) -> finish(i, CANCELLED)
  :: else
  fi
}

/* A workflow task sees each signal that arrived before it. A repeated request is recognised by its id. */
inline takeSignals() {
  queue = queue | (inbox & ~(LACKS(IDS) -> queue : answered));
  inbox = 0;
  withdrawn = withdrawn | (withdrawals & queue);
  withdrawals = 0;
  leaveQueue(0);
  leaveQueue(1);
  leaveQueue(2)
}

/* A request in progress ends with its word, or with what the port had before. */
inline heed() {
  takeSignals();
  if
  :: HAS(withdrawn, current) -> goal = before
  :: else
  fi;
  if /* It looks at the operation now and then: one that has ended is noticed sooner or later. */
  :: !HAS(open, current) -> goal = before
  :: true
  fi
}

inline begin() {
  MUST(HAS(open, current), nothingForOneThatIsGone);
  MUST(!HAS(everBegun, current), nothingTwice);
  MUST(!LATER_DONE(0) && !LATER_DONE(1) && !LATER_DONE(2), orderOnPort);
  MUST(LAG == 2 || BOUND || (everBegun & ~EARLIER(current)) == 0, orderOfAcceptance);
  ADD(everBegun, current);
  printf("seen: begin %d\n", current);
  before = (LACKS(OWN_BEFORE) -> 0 : zvm[PORT]);                      /* 0: what it had when the first run began */
  goal = current + 1;
  seen = 0;
  phase = BEGUN
}

inline write() {
  MUST(!writeUnderWay, oneWriter);
  writeUnderWay = true;
  writePort = PORT;
  writeValue = goal;
  phase = WRITING
}

inline forgetRun() {
  phase = CLOSED;
  inbox = 0;
  withdrawals = 0;
  queue = 0;
  withdrawn = 0;
  undelivered = 0;
  lent = false;
  current = NOBODY;
  seen = 0;
  goal = 0;
  before = 0;
  if
  :: LACKS(EARLIER_RUNS) || LACKS(RUNS_NOT_OPERATIONS) -> words[0] = 0; words[1] = 0; answered = 0
  :: else
  fi
}

/* Order of acceptance; without it, any request of the queue. */
inline pick() {
  if
  :: !LACKS(ORDER) -> current = FIRST(queue)
  :: LACKS(ORDER) && HAS(queue, 0) -> current = 0
  :: LACKS(ORDER) && HAS(queue, 1) -> current = 1
  :: LACKS(ORDER) && HAS(queue, 2) -> current = 2
  fi
}

inline decide() {
  if /* A guest of a bulk operation is read, decided on and changed by one activity: what comes meanwhile is seen after it. */
  :: takeSignals()
  :: true
  fi;
  if
  :: !HAS(queue, current) || (!LACKS(ORDER) && FIRST(queue) != current) -> pickAgain()
  :: else ->
    if
    :: !HAS(open, current) && !LACKS(LOOK_BEFORE) -> DROP(queue, current); ADD(answered, current); pickAgain()
    :: else ->
      if
      :: MISSING && !LACKS(WAIT_FOR_EARLIER) -> phase = WAITING
      :: else ->
        if
        :: (words[PORT] > current + 1 && !LACKS(WORDS)) ||
            (LACKS(RUNS_NOT_OPERATIONS) && (LATER_ENDED(0) || LATER_ENDED(1) || LATER_ENDED(2))) ->
          finish(current, OVERTAKEN);
          pickAgain()
        :: else -> begin()
        fi
      fi
    fi
  fi
}

active proctype GuestRun() {
end:
  do
  :: atomic { phase == READY ->
      takeSignals();
      if
      :: queue == 0 -> phase = CLOSING
      :: else -> pick(); phase = LOOKING
      fi
    }
  /* The list is believed when it shows the request's own operation. */
  :: d_step { AT(LOOKING) && (HAS(listed, current) || (!HAS(open, current) && !LACKS(ENDED_UNLISTED)) || LACKS(BELIEF)) ->
      seen = listed;
      phase = DECIDING
    }
  /* Nothing is read, and so nothing begins, before a write is over whose end nobody has heard. */
  :: atomic { AT(DECIDING) && FREE -> decide() }
  :: d_step { phase == WAITING && (inbox || withdrawals || !HAS(open, current) || (MISSING & ~listed)) -> pickAgain() }
  :: d_step { BOUND && phase == WAITING -> printf("seen: goes on without an earlier operation\n"); seen = 0; phase = DECIDING }
  :: atomic { AT(BEGUN) && FREE ->
      heed();
      if
      :: zvm[PORT] == goal -> phase = CHECKING
      :: zvm[PORT] != goal -> write()
      :: zvm[PORT] != goal && TROUBLE && goal == current + 1 ->
        printf("move: refuse 0 while %d %d\n", phase, current);
        troublesLeft--;
        phase = PAUSED
      fi
    }
  /* z/VM may go on refusing as long as its administrator likes; the model lets it do so where the operation is gone. */
  :: d_step { phase == PAUSED && (HAS(open, current) || HAS(withdrawals, current)) -> phase = BEGUN }
  :: d_step { phase == PAUSED && !HAS(open, current) && !LACKS(LOOK_WHILE) -> goal = before; phase = BEGUN }
  :: d_step { AT(WRITING) && !writeUnderWay -> phase = CHECKING }
  :: d_step { AT(WRITING) && writeUnderWay && TROUBLE -> /* the worker is dead, its call may go on */
      printf("move: kill 0 while %d %d\n", phase, current);
      troublesLeft--;
      writeMayVanish = true;
      phase = CHECKING
    }
  :: atomic { AT(CHECKING) && FREE ->
      heed();
      if
      :: zvm[PORT] != goal -> phase = BEGUN
      :: zvm[PORT] == goal && goal == current + 1 ->
        words[PORT] = current + 1;
        ADD(everDone, current);
        DROP(everLost, current);
        finish(current, DONE);
        printf("seen: done %d\n", current);
        pickAgain()
      :: zvm[PORT] == goal && goal != current + 1 -> finish(current, CANCELLED); pickAgain()
      fi
    }
  /* The server refuses to close a run to which a signal has come. */
  :: d_step { phase == CLOSING && (inbox || withdrawals) && !LACKS(REFUSED_CLOSE) -> phase = READY }
  :: d_step { phase == CLOSING &&
      ((!inbox && !withdrawals) || LACKS(REFUSED_CLOSE)) &&
      (!undelivered || LACKS(AWAITED_ANSWERS)) ->
      printf("seen: close\n");
      forgetRun()
    }
  :: d_step { TROUBLE && (phase == READY || AT(BEGUN)) && !inbox && !withdrawals && !undelivered ->
      troublesLeft--;
      if
      :: LACKS(CARRIED_QUEUE) -> queue = 0; pickAgain()
      :: LACKS(CARRIED_WORDS) -> words[0] = 0; words[1] = 0
      :: LACKS(CARRIED_IDS) -> answered = 0
      :: else
      fi
    }
  :: d_step { LACKS(WAIT_FOR_WINDOW) && lent && IN_PROGRESS && inbox -> /* woken by another request */
      orphan = current;
      orphanPhase = phase;
      untouched()
    }
  od
}

/* ------------------------------------------------------------ a window that has borrowed the guest */

/* The guest is given back: its run goes on from the plan that Temporal has kept. */
inline begunByWindow() {
  lent = false;
  phase = CHECKING
}

/* The word is carried out. The operation has the answer from the window's result, which nothing takes away. */
inline answerByWindow(i) {
  ADD(everDone, i);
  answer[i] = DONE;
  ADD(tellAnswer, i);
  printf("seen: done %d\n", i)
}

inline leaveOrphan() {
  DROP(everBegun, orphan);
  orphan = NOBODY;
  orphanPhase = 0
}

/* Temporal keeps plans and answers only for an operation that still wants the work. */
#define STOPS(i) (!HAS(open, i) || HAS(cancelled, i))

active proctype Window() {
end:
  do
  :: d_step { BORROWED(LOOKING) && HAS(listed, current) -> seen = listed; phase = DECIDING }
  /* A request that has to wait, or to be refused, is left to the run. */
  :: atomic { BORROWED(DECIDING) && FREE ->
      if
      :: STOPS(current) || (seen & EARLIER(current)) || words[PORT] > current + 1 || HAS(answered, current) -> untouched()
      :: else -> begin()
      fi
    }
  :: atomic { BORROWED(BEGUN) && zvm[PORT] != goal -> write() }
  :: d_step { BORROWED(BEGUN) && zvm[PORT] == goal -> phase = CHECKING }
  :: d_step { BORROWED(WRITING) && !writeUnderWay -> phase = CHECKING }
  :: d_step { BORROWED(CHECKING) && zvm[PORT] == goal && !STOPS(current) ->
      words[PORT] = current + 1;
      DROP(queue, current);
      ADD(answered, current);
      answerByWindow(current);
      DROP(everLost, current);
      lent = false;
      pickAgain()
    }
  /* A window stops with its operation, or where z/VM refuses, or with its worker, before or after the plan was kept. */
  :: d_step { BORROWED(LOOKING) || BORROWED(DECIDING) -> untouched() }
  :: d_step { BORROWED(BEGUN) || BORROWED(CHECKING) -> begunByWindow() }
  :: d_step { lent && IN_PROGRESS && TROUBLE ->
      troublesLeft--;
      writeMayVanish = writeUnderWay;
      if
      :: !HAS(open, current) -> /* Temporal keeps no plan for an operation that has ended */
        ADD(everLost, current);
        DROP(everBegun, current);
        untouched()
      :: else -> begunByWindow()
      fi
    }
  /* A window whose run was terminated goes on until it looks. */
  :: d_step { orphan != NOBODY && orphanPhase == BEGUN ->
      MUST(!writeUnderWay, oneWriter);
      writeUnderWay = true;
      writePort = portOf[orphan];
      writeValue = orphan + 1;
      orphanPhase = WRITING
    }
  :: d_step { orphan != NOBODY && orphanPhase == WRITING && !writeUnderWay -> orphanPhase = CHECKING }
  :: d_step { orphan != NOBODY && orphanPhase == CHECKING && zvm[portOf[orphan]] == orphan + 1 && !STOPS(orphan) ->
      answerByWindow(orphan);
      orphan = NOBODY;
      orphanPhase = 0
    }
  :: d_step { orphan != NOBODY && orphanPhase != WRITING -> leaveOrphan() }
  :: d_step { orphan != NOBODY && TROUBLE ->
      troublesLeft--;
      writeMayVanish = writeUnderWay;
      if
      :: HAS(open, orphan) -> enqueue(orphan)
      :: else
      fi;
      leaveOrphan()
    }
  od
}

/* ------------------------------------------------------------ what surrounds them */

inline tell(i, what) {
  if
  :: HAS(open, i) && answerTo[i] == NOTHING -> answerTo[i] = what
  :: else
  fi
}

/* Signals on their way to an operation, and the worker that tells of a run that was terminated. */
proctype Messages(byte i) {
end:
  do
  :: d_step { HAS(undelivered, i) -> DROP(undelivered, i); tell(i, answer[i]); answer[i] = NOTHING; printf("seen: told %d\n", i) }
  :: d_step { HAS(tellAnswer, i) -> DROP(tellAnswer, i); tell(i, answer[i]); answer[i] = NOTHING }
  :: d_step { HAS(tellBegun, i) -> DROP(tellBegun, i); tell(i, LOST) }
  :: d_step { HAS(tellNotBegun, i) ->
      DROP(tellNotBegun, i);
      if
      :: HAS(open, i) -> ADD(lostNotBegun, i)
      :: else
      fi
    }
  od
}

proctype List(byte i) {
end:
  do
  :: d_step { LAG && HAS(open, i) && !HAS(everListed, i) && (LAG == 2 || (everListed & EARLIER(i)) == EARLIER(i)) ->
      ADD(listed, i);
      ADD(everListed, i)
    }
  :: d_step { LAG && !HAS(open, i) && outcome[i] != NOTHING && HAS(listed, i) -> DROP(listed, i) }
  :: d_step { LAG && !HAS(open, i) && outcome[i] != NOTHING && !HAS(everListed, i) -> ADD(everListed, i) }
  od
}

inline endWrite() {
  writeUnderWay = false;
  writeMayVanish = false;
  writePort = 0;
  writeValue = 0
}

active proctype Zvm() {
end:
  do
  :: d_step { writeUnderWay -> printf("move: write 0 while %d %d\n", phase, current); zvm[writePort] = writeValue; endWrite() }
  :: d_step { writeUnderWay && writeMayVanish -> endWrite() }
  od
}

/* What operators and failing machines do to one operation. */
proctype Interference(byte i) {
end:
  do
  :: d_step { TROUBLE && HAS(open, i) && !HAS(cancelled, i) ->
      troublesLeft--;
      ADD(cancelled, i);
      printf("move: cancel %d while %d %d\n", i, phase, current)
    }
  :: d_step { TROUBLE && HAS(open, i) ->
      troublesLeft--;
      printf("move: terminate %d while %d %d\n", i, phase, current);
      endOperation(i, TERMINATED)
    }
  :: d_step { TROUBLE && HAS(enqueued, i) -> /* an attempt of the activity that was thought dead */
      troublesLeft--;
      printf("move: repeat %d while %d %d\n", i, phase, current);
      enqueue(i)
    }
  od
}

/* Somebody terminates the guest's run. What it knew is in its history. */
active proctype RunEnd() {
end:
  do
  :: d_step { TROUBLE && phase != CLOSED ->
      troublesLeft--;
      printf("move: terminateRun 0 while %d %d\n", phase, current);
      tellNotBegun = tellNotBegun | ((queue | inbox) & ~answered);
      if
      :: lent && IN_PROGRESS -> /* its window does not know yet */
        ADD(everLost, current);
        orphan = current;
        orphanPhase = phase
      :: !lent && IN_PROGRESS ->
        DROP(tellNotBegun, current);
        ADD(tellBegun, current);
        ADD(answered, current);
        ADD(everLost, current);
        if
        :: words[PORT] <= current -> words[PORT] = current + 1
        :: else
        fi;
        writeMayVanish = writeUnderWay
      :: else
      fi;
      tellAnswer = tellAnswer | undelivered;
      if
      :: LACKS(NOTICE) -> tellNotBegun = 0; tellBegun = 0; tellAnswer = 0
      :: LACKS(NOTICE_ANSWERS) -> tellAnswer = 0
      :: else
      fi;
      forgetRun()
    }
  od
}

#define LAST_DONE(p) ((IS_DONE(2) && portOf[2] == p) -> 3 : ((IS_DONE(1) && portOf[1] == p) -> 2 : ((IS_DONE(0) && portOf[0] == p) -> 1 : 0)))
#define IS_LOST(value) (value > 0 && HAS(everLost, (value - 1)))
/* The last word that was carried out; or a later one that was left half done, and whose operation was told so. */
#define IS_LAST_WORD(p) (zvm[p] == LAST_DONE(p) || (zvm[p] > LAST_DONE(p) && IS_LOST(zvm[p])))
#define IS_TRUE(i) \
  ((outcome[i] != DONE || HAS(everDone, i)) && \
   (outcome[i] != CANCELLED || !HAS(everDone, i)) && \
   (outcome[i] != OVERTAKEN || !HAS(everBegun, i)) && \
   (outcome[i] != LOST || HAS(everLost, i)))

active proctype Judge() {
end:
  d_step {
    acceptedCount == N && !open && phase == CLOSED && !writeUnderWay && orphan == NOBODY ->
    /* pan cuts long conditions, with the name after them. */
    MUST(IS_LAST_WORD(0), lastWordStands);
    MUST(IS_LAST_WORD(1), lastWordStands);
    MUST(IS_TRUE(0) && IS_TRUE(1) && IS_TRUE(2), toldTheTruth);
    printf("seen: over\n")
  }
}

init {
  atomic {
    if /* the operation that is alone on its port */
    :: portOf[0] = 1
    :: portOf[1] = 1
    :: portOf[2] = 1
    fi;
    printf("ports: %d %d %d\n", portOf[0], portOf[1], portOf[2]);
    byte i = 0;
    do
    :: i < N -> run Operation(i); run Messages(i); run List(i); run Interference(i); i++
    :: else -> break
    od
  }
}
