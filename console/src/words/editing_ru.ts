/** Russian: changing a plan. */

import type { editing as english } from "./editing_en";

export const editing: Readonly<Record<keyof typeof english, string>> = {
  "edit.title": "Изменить план",
  "edit.open": "Изменить",
  "edit.save": "Сохранить изменение",
  "edit.done": "Изменён: план действует в этом виде",
  "edit.leave": "Заявить вместо этого новый план",
  "edit.kept": "Введённое вами сохранилось.",
  "edit.undo": "Вернуть введённое",
  "edit.volume": "Объём {n}",
  "edit.add_volume": "Добавить объём",
  "edit.remove_volume": "Убрать объём {n}",
  "edit.drag": "Точки можно перетаскивать на карте или вводить здесь.",
  "edit.point": "Точка {n}",
  "edit.own_plans": "Наши собственные планы",
  "edit.own_plans.check": "тоже мешают",
  "edit.own_plans.ignore": "могут пересекаться",
  "edit.stale": "План тем временем изменили: версия {version}, {state}. Введённое вами сохранилось.",
  "edit.closed": "План теперь {state}, изменить его уже нельзя. Введённое вами сохранилось.",
  "edit.before": "Было",
  "edit.theirs": "Сейчас",
  "edit.mine": "У вас",
  "edit.look": "Посмотреть текущую версию",
  "edit.take": "Взять текущую версию",
  "edit.redo": "Взять текущую версию и повторить мои изменения",
  "edit.as_new": "Заявить введённое как новый план",
  "edit.past_start": "Одно из начал уже в прошлом.",
  "edit.past_end": "Всё это в прошлом: держаться в стороне от него уже никто не сможет.",
};
