/** Arabic: changing a plan. */

import type { editing as english } from "./editing_en";

export const editing: Readonly<Record<keyof typeof english, string>> = {
  "edit.title": "تغيير خطة",
  "edit.open": "تغيير",
  "edit.save": "حفظ التغيير",
  "edit.done": "تغيّرت: الخطة سارية الآن على هذا النحو",
  "edit.leave": "إعلان خطة جديدة بدلًا منها",
  "edit.kept": "ما كتبته لا يزال هنا.",
  "edit.undo": "العودة إلى ما كتبته",
  "edit.volume": "الحيّز {n}",
  "edit.add_volume": "إضافة حيّز",
  "edit.remove_volume": "إزالة الحيّز {n}",
  "edit.drag": "يمكن سحب النقاط على الخريطة أو كتابتها هنا.",
  "edit.point": "النقطة {n}",
  "edit.own_plans": "خططنا نحن",
  "edit.own_plans.check": "تُعدّ متعارضة أيضًا",
  "edit.own_plans.ignore": "يجوز أن تتداخل",
  "edit.stale": "غيّر أحدهم هذه الخطة في هذه الأثناء: الإصدار {version}، {state}. ما كتبته لا يزال هنا.",
  "edit.closed": "هذه الخطة الآن {state} ولم يعد تغييرها ممكنًا. ما كتبته لا يزال هنا.",
  "edit.before": "قبل",
  "edit.theirs": "الآن",
  "edit.mine": "لديك",
  "edit.look": "عرض الإصدار الحالي",
  "edit.take": "اعتماد الإصدار الحالي",
  "edit.redo": "اعتماد الإصدار الحالي وإعادة تغييراتي عليه",
  "edit.as_new": "إعلان ما كتبته خطةً جديدة",
  "edit.past_start": "إحدى البدايات في الماضي.",
  "edit.past_end": "كل ذلك في الماضي: لم يعد أحد يستطيع تجنّبه.",
};
